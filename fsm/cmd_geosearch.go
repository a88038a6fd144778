package fsm

import (
	"cmp"
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
	"github.com/redraftdb/redraft/fsm/geo"
	"github.com/redraftdb/redraft/fsm/value"
)

// geosearch is a search for places: what GEOSEARCH and its older forms ask for.
type geosearch struct {
	geo.Shape
	source []byte
	zset   value.ZSet
	found  bool // the source is there

	modern   bool // GEOSEARCH or GEOSEARCHSTORE, whose shape is an option
	canStore bool // GEORADIUS or GEORADIUSBYMEMBER, which store as an option

	fromMember, fromPlace, byRadius, byBox bool // options of a modern one that were given

	withCoord, withDist, withHash bool

	order     int   // 1 for the nearest first, -1 for the farthest
	count     int64 // places at most; 0 for all
	any       bool  // any so many will do
	store     []byte
	storeDist bool
}

// geoPoint is a place that was found.
type geoPoint struct {
	geo.Place
	member   []byte
	score    float64
	distance float64 // in meters
}

func geosearchCommand(r *run) {
	q := geosearch{source: r.args[1], modern: true}
	if r.geoSource(&q) && r.geoOptions(&q, r.args[2:]) {
		r.geosearch(&q)
	}
}

func geosearchstoreCommand(r *run) {
	q := geosearch{source: r.args[2], modern: true, store: r.args[1]}
	if r.geoSource(&q) && r.geoOptions(&q, r.args[3:]) {
		r.geosearch(&q)
	}
}

func georadiusCommand(r *run)           { r.georadius(true) }
func georadiusroCommand(r *run)         { r.georadius(false) }
func georadiusbymemberCommand(r *run)   { r.georadiusbymember(true) }
func georadiusbymemberroCommand(r *run) { r.georadiusbymember(false) }

func (r *run) georadius(canStore bool) {
	q := geosearch{source: r.args[1], canStore: canStore}
	if !r.geoSource(&q) {
		return
	}
	var ok bool
	if q.Center, ok = r.place(r.args[2:]); !ok {
		return
	}
	if r.geoRadius(&q, r.args[4:]) && r.geoOptions(&q, r.args[6:]) {
		r.geosearch(&q)
	}
}

func (r *run) georadiusbymember(canStore bool) {
	q := geosearch{source: r.args[1], canStore: canStore}
	if !r.geoSource(&q) {
		return
	}
	// Without a source nobody looks at its member nor at the radius.
	if q.found && !(r.geoMember(&q, r.args[2]) && r.geoRadius(&q, r.args[3:])) {
		return
	}
	if r.geoOptions(&q, r.args[5:]) {
		r.geosearch(&q)
	}
}

// geoSource finds the sorted set to search. Like all of the following, with false it has answered.
func (r *run) geoSource(q *geosearch) bool {
	z, e, ok := r.sourceZSet(q.source)
	q.zset, q.found = z, e.found()
	return ok
}

// geoMember takes the place of a member for the center.
func (r *run) geoMember(q *geosearch, member []byte) (ok bool) {
	if q.Center, ok = memberPlace(&q.zset, member); !ok {
		r.out.Error(errGeoMember)
	}
	return ok
}

// geoRadius reads a radius and its unit.
func (r *run) geoRadius(q *geosearch, args [][]byte) (ok bool) {
	if q.Radius, ok = value.ParseFloat(args[0]); !ok {
		r.out.Error(errRadius)
		return false
	}
	if q.Radius < 0 {
		r.out.Error(errRadiusSign)
		return false
	}
	q.Unit, ok = r.unit(args[1])
	return ok
}

// geoBox reads the sides of a box and their unit.
func (r *run) geoBox(q *geosearch, args [][]byte) (ok bool) {
	if q.Width, ok = value.ParseFloat(args[0]); !ok {
		r.out.Error(errWidth)
		return false
	}
	if q.Height, ok = value.ParseFloat(args[1]); !ok {
		r.out.Error(errHeight)
		return false
	}
	if q.Width < 0 || q.Height < 0 {
		r.out.Error(errBoxSign)
		return false
	}
	q.Unit, ok = r.unit(args[2])
	return ok
}

// geoOptions reads the options and finds out whether they go together.
func (r *run) geoOptions(q *geosearch, args [][]byte) bool {
	for len(args) > 0 {
		n := q.flag(args)
		if n == 0 {
			var ok bool
			if n, ok = r.geoOption(q, args); !ok {
				return false
			}
		}
		args = args[n:]
	}
	name := "STORE option in GEORADIUS"
	if q.modern {
		name = "GEOSEARCHSTORE"
	}
	switch {
	case q.store != nil && (q.withDist || q.withHash || q.withCoord):
		r.out.Error("ERR " + name + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
	case q.modern && !q.fromMember && !q.fromPlace:
		r.out.Error("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + string(r.args[0]))
	case q.modern && !q.byRadius && !q.byBox:
		r.out.Error("ERR exactly one of BYRADIUS and BYBOX can be specified for " + string(r.args[0]))
	case q.any && q.count == 0:
		r.out.Error(errGeoAny)
	default:
		return true
	}
	return false
}

// flag reads an option that cannot be wrong and returns of how many words it is; 0 for another one.
func (q *geosearch) flag(args [][]byte) (words int) {
	switch word := args[0]; {
	case command.IsWord(word, "WITHDIST"):
		q.withDist = true
	case command.IsWord(word, "WITHHASH"):
		q.withHash = true
	case command.IsWord(word, "WITHCOORD"):
		q.withCoord = true
	case command.IsWord(word, "ANY"):
		q.any = true
	case command.IsWord(word, "ASC"):
		q.order = 1
	case command.IsWord(word, "DESC"):
		q.order = -1
	case q.canStore && len(args) > 1 && (command.IsWord(word, "STORE") || command.IsWord(word, "STOREDIST")):
		q.store, q.storeDist = args[1], command.IsWord(word, "STOREDIST")
		return 2
	case q.modern && q.store != nil && command.IsWord(word, "STOREDIST"):
		q.storeDist = true
	default:
		return 0
	}
	return 1
}

// geoOption reads any other option and returns of how many words it is.
func (r *run) geoOption(q *geosearch, args [][]byte) (words int, ok bool) {
	switch word := args[0]; {
	case command.IsWord(word, "COUNT") && len(args) > 1:
		if q.count, ok = r.integer(args[1]); ok && q.count <= 0 {
			r.out.Error(errGeoCount)
			ok = false
		}
		return 2, ok
	case !q.modern:
	case command.IsWord(word, "FROMMEMBER") && len(args) > 1 && !q.fromPlace:
		q.fromMember = true
		return 2, !q.found || r.geoMember(q, args[1])
	case command.IsWord(word, "FROMLONLAT") && len(args) > 2 && !q.fromMember:
		q.fromPlace = true
		q.Center, ok = r.place(args[1:])
		return 3, ok
	case command.IsWord(word, "BYRADIUS") && len(args) > 2 && !q.byBox:
		q.byRadius = true
		return 3, r.geoRadius(q, args[1:])
	case command.IsWord(word, "BYBOX") && len(args) > 3 && !q.byRadius:
		q.byBox, q.Box = true, true
		return 4, r.geoBox(q, args[1:])
	}
	r.out.Error(errSyntax)
	return 0, false
}

// geosearch searches, and answers with what it finds or stores it.
func (r *run) geosearch(q *geosearch) {
	if !q.found {
		if q.store != nil {
			r.storeZSet(q.store, value.NewZSet(&r.db.mem), "")
		} else {
			r.out.Array(0)
		}
		return
	}
	if q.count != 0 && q.order == 0 && !q.any {
		q.order = 1
	}
	found := q.points()
	wanted := len(found)
	if q.count > 0 {
		wanted = int(min(q.count, int64(wanted)))
	}
	nearer := func(a, b *geoPoint) int { return q.order * cmp.Compare(a.distance, b.distance) }
	switch {
	case q.order == 0:
	case wanted == len(found):
		slices.SortStableFunc(found, func(a, b geoPoint) int { return nearer(&a, &b) })
	default:
		partialSort(found, nearer, 0, wanted-1)
	}
	found = found[:wanted]
	if q.store != nil {
		r.storePoints(q, found)
		return
	}
	r.out.Array(len(found))
	for i := range found {
		r.geoPoint(q, &found[i])
	}
}

// points are the places in the shape, in the order of the cells in which they lie.
func (q *geosearch) points() (found []geoPoint) {
	enough := func() bool { return q.any && int64(len(found)) >= q.count }
	for _, scores := range q.Ranges() {
		if enough() {
			break
		}
		from, to := q.zset.Find(value.ScoreInterval{Min: float64(scores.Low), Max: float64(scores.High), MaxOpen: true})
		q.zset.Range(from, to, false, func(member value.Value, score float64) bool {
			p := geo.Decode(geo.BitsOf(score))
			if d, ok := q.Contains(p); ok {
				found = append(found, geoPoint{p, member.Bytes(nil), score, d})
			}
			return !enough()
		})
	}
	return found
}

// geoPoint answers with a place that was found.
func (r *run) geoPoint(q *geosearch, p *geoPoint) {
	parts := 1
	for _, with := range []bool{q.withDist, q.withHash, q.withCoord} {
		if with {
			parts++
		}
	}
	if parts > 1 {
		r.out.Array(parts)
	}
	r.out.Bulk(p.member)
	if q.withDist {
		r.bulkDistance(p.distance / q.Unit)
	}
	if q.withHash {
		r.out.Int(int64(p.score))
	}
	if q.withCoord {
		r.placeParts(p.Place)
	}
}

// storePoints stores the places that were found as a sorted set, by their numbers or by their distances.
func (r *run) storePoints(q *geosearch, found []geoPoint) {
	all := make([]combined, len(found))
	for i := range found {
		all[i] = combined{found[i].member, found[i].score}
		if q.storeDist {
			all[i].score = found[i].distance / q.Unit
		}
	}
	event := "georadiusstore"
	if q.modern {
		event = "geosearchstore"
	}
	r.storeMembers(q.store, all, event)
	for range len(found) - 1 {
		r.touched(q.store) // each place counts as a change here
	}
}
