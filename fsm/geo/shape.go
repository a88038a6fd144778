package geo

import "math"

// earthRadius is the earth's in meters.
const earthRadius = 6372797.560856

// mercator is half of what a Mercator map of the earth measures across, in meters.
const mercator = 20037726.37

// degree is a degree in radians.
const degree = math.Pi / 180

// radians returns an angle in radians, degrees one in degrees.
func radians(deg float64) float64 { return float64(deg * degree) }
func degrees(rad float64) float64 { return rad / degree }

// Distance returns the meters between two places along the surface of a sphere.
func Distance(a, b Place) float64 {
	v := sin((radians(b.Longitude) - radians(a.Longitude)) / 2)
	if v == 0 {
		return latitudeDistance(a.Latitude, b.Latitude)
	}
	south, north := radians(a.Latitude), radians(b.Latitude)
	u := sin((north - south) / 2)
	h := float64(u*u) + float64(cos(south)*cos(north)*v*v)
	return 2 * earthRadius * asin(math.Sqrt(h))
}

// latitudeDistance returns the meters between two latitudes.
func latitudeDistance(a, b float64) float64 { return earthRadius * math.Abs(radians(b)-radians(a)) }

// Shape is what to search: a circle or a box around a place.
type Shape struct {
	Center        Place
	Radius        float64 // of a circle, in units
	Box           bool
	Width, Height float64 // of a box, in units
	Unit          float64 // in meters
}

// Contains reports whether a place lies in the shape, and if so how many meters from its center.
func (s *Shape) Contains(p Place) (distance float64, ok bool) {
	if s.Box {
		// On the way east or west one stays at the latitude of the place, not of the center.
		corner := Place{s.Center.Longitude, p.Latitude}
		if latitudeDistance(p.Latitude, s.Center.Latitude) > s.Height*s.Unit/2 || Distance(p, corner) > s.Width*s.Unit/2 {
			return 0, false
		}
		return Distance(s.Center, p), true
	}
	distance = Distance(s.Center, p)
	return distance, distance <= s.Radius*s.Unit
}

// bounds is the area that the shape reaches to. It is wider at the side that is nearer to a pole.
func (s *Shape) bounds() area {
	width, height := s.Radius, s.Radius
	if s.Box {
		width, height = s.Width/2, s.Height/2
	}
	lat, lon := s.Center.Latitude, s.Center.Longitude
	up := degrees(s.Unit * height / earthRadius)
	side := lat + up
	if lat < 0 {
		side = lat - up
	}
	across := degrees(s.Unit * width / earthRadius / cos(radians(side)))
	return area{west: lon - across, east: lon + across, south: lat - up, north: lat + up}
}

// step returns how fine the cells are of which nine cover the shape, or nearly so.
func (s *Shape) step() int {
	reach := s.Radius
	if s.Box {
		reach = math.Sqrt(float64((s.Width/2)*(s.Width/2)) + float64((s.Height/2)*(s.Height/2)))
	}
	reach *= s.Unit
	if reach == 0 {
		return steps
	}
	step := -1
	for ; reach < mercator; reach *= 2 {
		step++
	}
	switch lat := math.Abs(s.Center.Latitude); {
	case lat > 80:
		step -= 2
	case lat > 66:
		step--
	}
	return max(1, min(steps, step))
}

// A Range is a range of scores: from Low up to, and without, High.
type Range struct{ Low, High uint64 }

// Ranges returns the scores of the cells in which the places of the shape lie, in the order in which they
// are to be looked through: the center's cell first, then those of its neighbours that the shape reaches.
func (s *Shape) Ranges() []Range {
	center := cellAt(s.Center, MaxLatitude, s.step())
	var within area
	if center.step > 1 {
		if within = s.bounds(); center.tooSmall(within) {
			center = cellAt(s.Center, MaxLatitude, center.step-1)
		}
	}
	a := center.area()
	all := center.step == 1 // of four cells none is left out
	reached := func(east, north int) bool {
		return all || !(north < 0 && a.south < within.south || north > 0 && a.north > within.north ||
			east < 0 && a.west < within.west || east > 0 && a.east > within.east)
	}
	var ranges []Range
	last := 0 // the neighbour looked at last; the same again is left out
	var cells [9]cell
	for i, side := range [9][2]int{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
		cells[i] = center.beside(side[0], side[1])
		if !reached(side[0], side[1]) || last > 0 && cells[i] == cells[last] {
			continue
		}
		low, high := cells[i].scores()
		ranges = append(ranges, Range{low, high})
		last = i
	}
	return ranges
}

// tooSmall reports whether the cell and its neighbours do not reach as far as an area.
func (c cell) tooSmall(within area) bool {
	return c.beside(0, 1).area().north < within.north || c.beside(0, -1).area().south > within.south ||
		c.beside(1, 0).area().east < within.east || c.beside(-1, 0).area().west > within.west
}
