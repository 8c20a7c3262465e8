-- asks: sites
-- Every site with its flights and what its last flight confirmed.
SELECT site, sites.flights, first_date, last_date, sum(flights.confirmed) AS confirmed,
       sites.latitude_deg, sites.longitude_deg
FROM sites JOIN flights USING (site)
WHERE flights.date IS NOT DISTINCT FROM sites.last_date
GROUP BY ALL ORDER BY site
