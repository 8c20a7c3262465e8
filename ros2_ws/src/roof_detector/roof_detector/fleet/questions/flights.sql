-- asks: flights since {date}
-- Every flight with its site and what it found.
-- date day 0001-01-01: the first day
SELECT flight_id, site, date, frames, unreadable, detections, findings, confirmed, decisions,
       model
FROM flights WHERE date >= $date OR (date IS NULL AND $date = DATE '0001-01-01')
ORDER BY date, flight_id
