//go:build race

package socket

import "syscall"

// The race detector learns from these calls alone that what happens before something is written to a socket
// happens before it is read there. Without that every test that talks to a server in its own process would race.

func readSocket(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

func writeSocket(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
