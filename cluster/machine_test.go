package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
)

// testMachine is a Machine that keeps a map and everything that was ever done to it. An item is
// KEY=VALUE; one that begins with ! panics. A sink is a *testSink.
type testMachine struct {
	mu        sync.Mutex
	state     testState
	due       int64
	forgetful bool // History stays empty
	stubborn  bool // no snapshot is taken

	applying, restoring sync.RWMutex // locked: Apply, Restore waits
}

type testState struct {
	Index, Term uint64
	Clock       int64
	Values      map[string]string
	History     []testEvent
}

type testEvent struct {
	Index uint64
	Item  string
}

// testSink notes what the machine told it.
type testSink struct {
	mu   sync.Mutex
	told []string
}

func (s *testSink) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.told...)
}

func newTestMachine() *testMachine {
	return &testMachine{state: testState{Values: map[string]string{}}}
}

func (m *testMachine) Apply(index, term uint64, stamp int64, _ uint64, items [][]byte, local []any) {
	m.applying.RLock()
	defer m.applying.RUnlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.step(index, term)
	if stamp < m.state.Clock {
		panic(fmt.Sprintf("stamp %d after %d", stamp, m.state.Clock))
	}
	m.state.Clock = stamp
	if m.due != 0 && m.due <= stamp {
		m.due = 0
	}
	if len(local) != len(items) {
		panic(fmt.Sprintf("%d sinks for %d items", len(local), len(items)))
	}
	for i, item := range items {
		if item[0] == '!' {
			panic(string(item))
		}
		key, value, _ := strings.Cut(string(item), "=")
		m.state.Values[key] = value
		if !m.forgetful {
			m.state.History = append(m.state.History, testEvent{index, string(item)})
		}
		if sink, ok := local[i].(*testSink); ok {
			sink.mu.Lock()
			sink.told = append(sink.told, string(item))
			sink.mu.Unlock()
		}
	}
}

func (m *testMachine) Skip(index, term uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.step(index, term)
}

// step checks that the log comes in order.
func (m *testMachine) step(index, term uint64) {
	if index <= m.state.Index || term < m.state.Term {
		panic(fmt.Sprintf("entry %d of term %d after %d of %d", index, term, m.state.Index, m.state.Term))
	}
	m.state.Index, m.state.Term = index, term
}

func (m *testMachine) Applied() (index, term uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Index, m.state.Term
}

func (m *testMachine) Clock() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Clock
}

func (m *testMachine) Due() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.due
}

func (m *testMachine) Snapshot() (write func(io.Writer) error, release func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stubborn {
		return nil, nil, errors.New("the test wants no snapshot")
	}
	raw, err := json.Marshal(m.state)
	return func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}, func() {}, err
}

func (m *testMachine) Restore(r io.Reader) error {
	m.restoring.RLock()
	defer m.restoring.RUnlock()
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var s testState
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if s.Values == nil {
		return errors.New("no values")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
	return nil
}

func (m *testMachine) get(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.Values[key]
}

func (m *testMachine) history() []testEvent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]testEvent(nil), m.state.History...)
}

// values is a copy of what is in the map.
func (m *testMachine) values() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.state.Values)
}

func (m *testMachine) setForgetful() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetful, m.state.History = true, nil
}

func (m *testMachine) setStubborn(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stubborn = yes
}

func (m *testMachine) setDue(at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.due = at
}
