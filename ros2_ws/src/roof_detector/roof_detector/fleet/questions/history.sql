-- asks: history of {object}
-- What became of one object, flight by flight.
-- object text: an object_id, or the beginning of one
SELECT date, flight_id, change, class, round(area_m2, 4) AS area_m2,
       round(area_error_m2, 4) AS error_m2, state, reason
FROM history WHERE starts_with(object_id, $object) ORDER BY object_id, date
