package cluster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// raft-wal closes a segment by writing a table of its entries in the same batch as the last of them,
// and then enters its end, and the next segment, in the list of segments. Two crashes leave it with a
// last segment that takes no entry ever again:
//
//   - The table of the closing batch is in the file, but not all of the batch: raft-wal gives up the
//     batch and holds the segment for closed nevertheless. A full disk does this readily, for the
//     closing batch is the one that may need more room than was reserved.
//   - The batch is there, and the list does not know: raft-wal only goes on to another segment when an
//     append closes one.
//
// So before raft-wal opens the log, what was not committed at its end is overwritten with zeros, and
// what was closed is entered in the list.

// A segment begins with a header; then come frames, each with a header of eight bytes: its type, three
// zeros, and a length, or in a commit the CRC-32C of everything since the commit before. A frame's
// content is padded to eight bytes.
const (
	walHeader      = 32
	walFrameHeader = 8

	walFrameEntry  = 1
	walFrameTable  = 2
	walFrameCommit = 3
)

// settleWAL readies the last segment of the list for raft-wal, and returns the list as it is then;
// changed says that it must be written.
func settleWAL(dir string, files types.VFS, list types.PersistentState) (settled types.PersistentState, changed bool, err error) {
	if len(list.Segments) == 0 || !list.Segments[len(list.Segments)-1].SealTime.IsZero() {
		return list, false, nil
	}
	last := &list.Segments[len(list.Segments)-1]
	name := segment.FileName(*last)
	f, err := files.OpenWriter(dir, name)
	if errors.Is(err, os.ErrNotExist) {
		return list, false, nil // raft-wal creates it
	}
	if err != nil {
		return list, false, err
	}
	defer func() { _ = f.Close() }() // what was written is synced
	end, err := readWALEnd(f)
	if err != nil {
		return list, false, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := clearBehind(f, end.at); err != nil {
		return list, false, fmt.Errorf("clearing the end of %s: %w", name, err)
	}
	if end.table == 0 {
		return list, false, nil
	}
	last.SealTime = time.Now()
	last.IndexStart = uint64(end.table)
	last.MaxIndex = last.BaseIndex + end.entries - 1
	list.Segments = append(list.Segments, types.SegmentInfo{
		ID:         list.NextSegmentID,
		BaseIndex:  last.MaxIndex + 1,
		MinIndex:   last.MaxIndex + 1,
		SizeLimit:  last.SizeLimit,
		Codec:      last.Codec,
		CreateTime: time.Now(),
	})
	list.NextSegmentID++
	return list, true, nil
}

// walEnd is how far a segment is committed.
type walEnd struct {
	at      int64  // behind the last commit; 0: there is none
	entries uint64 // up to there
	table   int64  // where the table of entries begins if the segment is closed, 0 if it is not
	crc     uint32 // of the last commit
}

// readWALEnd finds the end of what is committed, by raft-wal's own rule: the last commit counts
// unless nothing was begun behind it and its CRC is wrong; then it is the one before.
func readWALEnd(f io.ReaderAt) (walEnd, error) {
	// One pass, in large pieces: a segment may hold a million frames.
	r := bufio.NewReaderSize(io.NewSectionReader(f, walHeader, math.MaxInt64-walHeader), 256<<10)
	var before, last, next walEnd // next: as if a commit came now
	var err error
	for at := int64(walHeader); err == nil; {
		var header [walFrameHeader]byte
		if _, err = io.ReadFull(r, header[:]); err != nil {
			break
		}
		at += walFrameHeader
		length := int(binary.LittleEndian.Uint32(header[4:]))
		switch header[0] {
		case walFrameEntry:
			next.entries++
		case walFrameTable:
			next.table = at
		case walFrameCommit:
			next.at, next.crc = at, uint32(length)
			before, last = last, next
			length = 0
		default: // zeros, or what a torn write left
			err = io.EOF
			continue
		}
		padded := (length + walFrameHeader - 1) / walFrameHeader * walFrameHeader
		_, err = r.Discard(padded)
		at += int64(padded)
	}
	if err != io.EOF && err != io.ErrUnexpectedEOF {
		return walEnd{}, err
	}
	if last.at == 0 || next.entries > last.entries {
		return last, nil
	}
	crc := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(crc, io.NewSectionReader(f, before.at, last.at-walFrameHeader-before.at)); err != nil {
		return walEnd{}, err
	}
	if crc.Sum32() != last.crc {
		return before, nil
	}
	return last, nil
}

// clearBehind overwrites what is in f from an offset on with zeros, if anything is.
func clearBehind(f types.WritableFile, from int64) error {
	piece := make([]byte, 64<<10)
	zeros := make([]byte, len(piece))
	dirty := false
	for at := from; ; {
		n, err := f.ReadAt(piece, at)
		if n > 0 && string(piece[:n]) != string(zeros[:n]) {
			if _, err := f.WriteAt(zeros[:n], at); err != nil {
				return err
			}
			dirty = true
		}
		at += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if !dirty {
		return nil
	}
	return f.Sync()
}
