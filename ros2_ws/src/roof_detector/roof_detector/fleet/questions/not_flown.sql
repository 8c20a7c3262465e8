-- asks: sites not flown for {days} days
-- Sites whose last flight is so long ago, counted from today.
-- days number 365: how many days
-- today day today: the day to count from
SELECT site, last_date, datediff('day', last_date, $today) AS days, flights, latitude_deg,
       longitude_deg
FROM sites
WHERE datediff('day', last_date, $today) >= $days
ORDER BY last_date, site
