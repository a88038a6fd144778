package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	errPercentile      = errors.New("Invalid latency-tracking-info-percentiles parameters")
	errPercentileRange = errors.New("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
)

func parsePercentiles(value string) ([]float64, error) {
	var list []float64
	for _, word := range strings.Fields(value) {
		p, err := strconv.ParseFloat(word, 64)
		switch {
		case err != nil || math.IsNaN(p):
			return nil, errPercentile
		case p < 0 || p > 100:
			return nil, errPercentileRange
		}
		list = append(list, p)
	}
	return list, nil
}

// checkPercentiles writes each with at most six digits behind the point, as Redis does.
func checkPercentiles(value string) (string, error) {
	list, err := parsePercentiles(value)
	var words []string
	for _, p := range list {
		words = append(words, percentileText(p))
	}
	return strings.Join(words, " "), err
}

func percentileText(p float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(p, 'f', 6, 64), "0"), ".")
}

func (s *Server) applyPercentiles(value string) error {
	list, err := parsePercentiles(value)
	s.percentiles.Store(&list)
	return err
}

// latencystatsLines are the percentiles of the durations of each command.
func latencystatsLines(v *view, line func(name, value string)) {
	if !v.srv.tracksLatency.Load() {
		return
	}
	for _, e := range v.srv.commands.all {
		h := e.stats.histogram.Load()
		if h == nil {
			continue
		}
		c := h.snapshot()
		var parts []string
		for _, p := range *v.srv.percentiles.Load() {
			parts = append(parts, fmt.Sprintf("p%s=%.3f", percentileText(p), float64(c.percentile(p))/1000))
		}
		line("latency_percentiles_usec_"+e.name, strings.Join(parts, ","))
	}
}
