-- asks: {class} not seen since {date}
-- What was last seen before a day, at sites that were flown since; with what the last flight says.
-- class text findings: a class such as vent, also in the plural; findings stands for all
-- date day: the first day on which a sighting counts
WITH seen AS (
  SELECT site, object_id, max(date) FILTER (uuid IS NOT NULL) AS last_seen,
         arg_max(class, date) AS class, arg_max(change, date) AS last_change,
         arg_max(reason, date) AS reason, arg_max(latitude_deg, date) AS latitude_deg,
         arg_max(longitude_deg, date) AS longitude_deg
  FROM history GROUP BY site, object_id
)
SELECT seen.site, object_id, class, last_seen, last_change, reason, seen.latitude_deg,
       seen.longitude_deg
FROM seen JOIN sites USING (site)
WHERE last_seen < $date AND sites.last_date >= $date AND is_class(class, $class)
ORDER BY last_seen, seen.site, object_id
