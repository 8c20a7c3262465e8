-- asks: condition of sites since {date}
-- How many confirmed findings each site has on each day of flight, by class.
-- date day 0001-01-01: the first day
SELECT site, date, class, count(*) AS confirmed, round(sum(area_m2), 3) AS area_m2,
       count(*) FILTER (severity = 'high') AS high,
       count(*) FILTER (severity = 'medium') AS medium
FROM findings
WHERE state = 'confirmed' AND NOT outside AND date >= $date
GROUP BY site, date, class ORDER BY site, date, class
