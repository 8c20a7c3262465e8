-- asks: changes since {date}
-- How many objects of each site appeared, grew, shrank or went, by day of flight and class.
-- date day: the first day
SELECT site, date, class, change, count(*) AS objects
FROM history
WHERE date >= $date AND change NOT IN ('unchanged', 'first seen')
GROUP BY site, date, class, change ORDER BY site, date, class, change
