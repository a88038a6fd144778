package server

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errSavePoints = errors.New("Invalid save parameters")

// A savePoint asks for a snapshot once so much time has passed since the last one and so much has
// changed.
type savePoint struct {
	seconds int64
	changes uint64
}

func parseSavePoints(value string) ([]savePoint, error) {
	words := strings.Fields(value)
	if len(words)%2 != 0 {
		return nil, errSavePoints
	}
	var points []savePoint
	for ; len(words) > 0; words = words[2:] {
		seconds, err1 := strconv.ParseInt(words[0], 10, 32)
		changes, err2 := strconv.ParseUint(words[1], 10, 31)
		if err1 != nil || err2 != nil || seconds < 1 {
			return nil, errSavePoints
		}
		points = append(points, savePoint{seconds, changes})
	}
	return points, nil
}

func checkSave(value string) (string, error) {
	points, err := parseSavePoints(value)
	words := make([]string, 0, 2*len(points))
	for _, p := range points {
		words = append(words, strconv.FormatInt(p.seconds, 10), strconv.FormatUint(p.changes, 10))
	}
	return strings.Join(words, " "), err
}

func (s *Server) applySavePoints(value string) error {
	points, err := parseSavePoints(value)
	s.savePoints.Store(&points)
	return err
}

// saveIfDue takes a snapshot in the background if a save point says so.
func (s *Server) saveIfDue(now time.Time) {
	points := *s.savePoints.Load()
	c := s.cluster()
	if len(points) == 0 || c == nil || !s.ready.Load() {
		return
	}
	st := c.Status(group)
	last, changes := st.LastSnapshot, s.machine.Stats().Changes
	if last.IsZero() {
		last = s.stats.started
	}
	for _, p := range points {
		if changes >= p.changes && changes > 0 && now.Sub(last) >= time.Duration(p.seconds)*time.Second {
			_ = s.startSave(c)
			return
		}
	}
}

var errSaving = errors.New("a snapshot is being taken already")

// startSave takes a snapshot in the background.
func (s *Server) startSave(c Cluster) error {
	if !s.saving.CompareAndSwap(false, true) {
		return errSaving
	}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		defer s.saving.Store(false)
		if err := c.Snapshot(s.ctx, group); err != nil {
			s.log.Error("snapshot failed", "error", err)
		}
	}()
	return nil
}
