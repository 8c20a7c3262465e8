-- asks: {class} grown by {percent} % since {date}
-- What grew by so much of its area between its last sighting before a day and its last of all.
-- class text findings: a class such as crack, also in the plural; findings stands for all
-- percent number 20: how much of the area then
-- date day: the day to compare with; the first sighting counts where there is none before
WITH sized AS (
  SELECT site, object_id, class, flight_id, date, area_m2, area_error_m2,
         longitude_deg, latitude_deg
  FROM history WHERE area_m2 > 0
), ends AS (
  SELECT site, object_id,
         coalesce(max(date) FILTER (date <= $date), min(date)) AS then_date,
         max(date) AS now_date
  FROM sized GROUP BY site, object_id
)
SELECT now.site, now.object_id, now.class, was.date AS since, now.date AS until,
       round(was.area_m2, 4) AS area_then_m2, round(now.area_m2, 4) AS area_now_m2,
       round(100 * (now.area_m2 / was.area_m2 - 1), 1) AS grown_percent,
       round(sqrt(was.area_error_m2 ** 2 + now.area_error_m2 ** 2), 4) AS error_m2,
       now.latitude_deg, now.longitude_deg
FROM ends
JOIN sized AS was ON (was.site, was.object_id, was.date) = (ends.site, ends.object_id, then_date)
JOIN sized AS now ON (now.site, now.object_id, now.date) = (ends.site, ends.object_id, now_date)
WHERE now.date > was.date AND is_class(now.class, $class)
  AND now.area_m2 >= was.area_m2 * (1 + $percent / 100)
ORDER BY grown_percent DESC, now.site, now.object_id
