package fsm

import (
	"fmt"
	"strconv"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/geo"
	"github.com/redraftdb/redraft/fsm/value"
)

// storedDistance is where commands that store distances differ from Redis.
const storedDistance = "Sines are rounded to the nearest, the same on every processor: one stored distance in a thousand has another last digit."

func geoCommands() []*command.Spec {
	const (
		g     = "geo"
		r     = command.ReadOnly
		w     = command.Write | command.DenyOOM
		since = "3.2.0"
		near  = "O(N + log M) for N members in the cells around the shape, of M"
		old   = "6.2.0"
		unit  = "radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]"
		store = unit + " [STORE key] [STOREDIST key]"
		shape = "<FROMMEMBER member | FROMLONLAT longitude latitude>" +
			" by=<BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]]"
	)
	read := command.OneKey(command.RO | command.Access)
	return []*command.Spec{
		{Name: "geoadd", Usage: "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]", Group: g, Since: since,
			Complexity: "O(log N) for each member, of N", Summary: "Give members of a sorted set their places on the earth",
			Flags: w, Keys: command.OneKey(command.RW | command.Update), Handler: handler(geoaddCommand)},
		{Name: "geodist", Usage: "key member1 member2 [M | KM | FT | MI]", Group: g, Since: since, Complexity: "O(1)",
			Summary: "Return how far two members are from each other", Flags: r, Keys: read, Handler: handler(geodistCommand)},
		{Name: "geohash", Usage: "key [member [member ...]]", Group: g, Since: since, Complexity: "O(N) for N members asked for",
			Summary: "Return the geohashes of members' places", Flags: r, Keys: read, Handler: handler(geohashCommand)},
		{Name: "geopos", Usage: "key [member [member ...]]", Group: g, Since: since, Complexity: "O(N) for N members asked for",
			Summary: "Return the longitudes and latitudes of members", Flags: r, Keys: read,
			Differs: "In RESP3 a number has as many digits as it takes to tell it from others, not up to 17 behind the point.",
			Handler: handler(geoposCommand)},
		{Name: "geosearch", Usage: "key " + shape + " [WITHCOORD] [WITHDIST] [WITHHASH]", Group: g, Since: "6.2.0",
			Complexity: near, Summary: "Return the members in a circle or a box", Flags: r, Keys: read, Handler: handler(geosearchCommand)},
		{Name: "geosearchstore", Usage: "destination source " + shape + " [STOREDIST]", Group: g, Since: "6.2.0", Complexity: near,
			Summary: "Store the members in a circle or a box", Flags: w, Differs: storedDistance,
			Handler: handler(geosearchstoreCommand),
			Keys:    command.Keys(command.OneKey(command.OW|command.Update), command.KeyAt(2, command.RO|command.Access))},
		{Name: "georadius", Usage: "key longitude latitude " + store, Group: g, Since: since, Complexity: near, Deprecated: old,
			ReplacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument", Flags: w, Keys: command.GeoRadiusKeys(6),
			Summary: "Return or store the members around a place", Differs: storedDistance, Handler: handler(georadiusCommand)},
		{Name: "georadius_ro", Usage: "key longitude latitude " + unit, Group: g, Since: "3.2.10", Complexity: near, Deprecated: old,
			ReplacedBy: "`GEOSEARCH` with the `BYRADIUS` argument", Flags: r, Keys: read,
			Summary: "Return the members around a place", Handler: handler(georadiusroCommand)},
		{Name: "georadiusbymember", Usage: "key member " + store, Group: g, Since: since, Complexity: near, Deprecated: old,
			ReplacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments", Flags: w,
			Keys: command.GeoRadiusKeys(5), Summary: "Return or store the members around one",
			Differs: storedDistance, Handler: handler(georadiusbymemberCommand)},
		{Name: "georadiusbymember_ro", Usage: "key member " + unit, Group: g, Since: "3.2.10", Complexity: near, Deprecated: old,
			ReplacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments", Flags: r, Keys: read,
			Summary: "Return the members around one", Handler: handler(georadiusbymemberroCommand)},
	}
}

// geoaddCommand is ZADD with places for scores.
func geoaddCommand(r *run) {
	var o zaddOptions
	rest := r.args[2:]
	for ; len(rest) > 0; rest = rest[1:] {
		switch {
		case command.IsWord(rest[0], "NX"):
			o.nx = true
			continue
		case command.IsWord(rest[0], "XX"):
			o.xx = true
			continue
		case command.IsWord(rest[0], "CH"):
			o.changed = true
			continue
		}
		break
	}
	if len(rest) == 0 || len(rest)%3 != 0 || o.nx && o.xx {
		r.out.Error(errSyntax)
		return
	}
	for i := 0; i < len(rest); i += 3 {
		if _, ok := r.place(rest[i:]); !ok {
			return
		}
	}
	r.addScores(o, len(rest)/3, func(i int) (member []byte, score float64) {
		p, _ := parsePlace(rest[3*i:])
		return rest[3*i+2], float64(geo.Encode(p))
	})
}

// place reads a longitude and a latitude; if they are none the command has been answered.
func (r *run) place(args [][]byte) (p geo.Place, ok bool) {
	if p, ok = parsePlace(args); !ok {
		r.out.Error(errNotFloat)
		return p, false
	}
	if !p.Valid() {
		r.out.Error(fmt.Sprintf("ERR invalid longitude,latitude pair %s,%s", sixDigits(p.Longitude), sixDigits(p.Latitude)))
		return p, false
	}
	return p, true
}

func parsePlace(args [][]byte) (p geo.Place, ok bool) {
	if p.Longitude, ok = value.ParseFloat(args[0]); !ok {
		return p, false
	}
	p.Latitude, ok = value.ParseFloat(args[1])
	return p, ok
}

// sixDigits is a number as C's %f writes it.
func sixDigits(f float64) []byte {
	if f-f != 0 {
		return value.AppendFloat(nil, f)
	}
	return strconv.AppendFloat(nil, f, 'f', 6, 64)
}

// unit reads a unit of length, in meters; if it is none the command has been answered.
func (r *run) unit(arg []byte) (meters float64, ok bool) {
	switch {
	case command.IsWord(arg, "M"):
		return 1, true
	case command.IsWord(arg, "KM"):
		return 1000, true
	case command.IsWord(arg, "FT"):
		return 0.3048, true
	case command.IsWord(arg, "MI"):
		return 1609.34, true
	}
	r.out.Error(errUnit)
	return 0, false
}

// memberPlace is where a member is.
func memberPlace(z *value.ZSet, member []byte) (p geo.Place, ok bool) {
	score, ok := z.Score(member)
	if !ok {
		return p, false
	}
	return geo.Decode(geo.BitsOf(score)), true
}

// bulkDistance answers with a distance, in four digits behind the point.
func (r *run) bulkDistance(d float64) { r.out.Bulk(strconv.AppendFloat(r.digits[:0], d, 'f', 4, 64)) }

// placeParts answers with a place, in degrees of at most 17 digits behind the point.
func (r *run) placeParts(p geo.Place) {
	r.out.Array(2)
	for _, x := range []float64{p.Longitude, p.Latitude} {
		r.out.Decimal(appendDegrees(r.digits[:0], x))
	}
}

// appendDegrees appends up to 17 digits behind the point, as many as there are.
func appendDegrees(dst []byte, x float64) []byte {
	dst = strconv.AppendFloat(dst, x, 'f', 17, 64)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst) == "-0" {
		return append(dst[:0], '0')
	}
	return dst
}

func geodistCommand(r *run) {
	unit := 1.0
	switch len(r.args) {
	case 4:
	case 5:
		var ok bool
		if unit, ok = r.unit(r.args[4]); !ok {
			return
		}
	default:
		r.out.Error(errSyntax)
		return
	}
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	if e.found() {
		a, found := memberPlace(&z, r.args[2])
		b, found2 := memberPlace(&z, r.args[3])
		if found && found2 {
			r.bulkDistance(geo.Distance(a, b) / unit)
			return
		}
	}
	r.out.Null()
}

func geohashCommand(r *run) {
	r.eachPlace(func(p geo.Place) { r.out.Text(geo.Hash(p)) }, r.out.Null)
}

func geoposCommand(r *run) { r.eachPlace(r.placeParts, r.out.NullArray) }

// eachPlace answers with something for each of the members that the command names.
func (r *run) eachPlace(show func(p geo.Place), none func()) {
	z, e, ok := r.zset(r.args[1])
	if !ok {
		return
	}
	r.out.Array(len(r.args) - 2)
	for _, member := range r.args[2:] {
		var p geo.Place
		found := e.found()
		if found {
			p, found = memberPlace(&z, member)
		}
		if found {
			show(p)
		} else {
			none()
		}
	}
}
