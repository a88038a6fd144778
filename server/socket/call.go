//go:build !race

package socket

import (
	"syscall"
	"unsafe"
)

func readSocket(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_READ, fd, p) }

func writeSocket(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_WRITE, fd, p) }

func call(trap, fd uintptr, p []byte) (int, error) {
	n, _, err := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}
