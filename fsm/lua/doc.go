// Package lua runs scripts: Lua 5.1 as Redis 7.0 has it, on github.com/yuin/gopher-lua.
//
// A Script is a source that compiled; an Engine runs one script at a time and keeps nothing of it. What a script
// may ask of the server is a Host. A run is a function of the source, the keys and arguments, the Host's answers
// and the Limits: the interpreter has no clock, no chance, no address of memory that a script could see, and the
// order of pairs is that in which keys were put in. So every node that runs a script does the same, and a script
// that runs away is stopped by all of them at the same instruction.
//
// How that is done. gopher-lua asks a context before each instruction whether it may go on; thread (thread.go) is
// that context. It counts the instruction, looks at what it is about to do, and refuses what exceeds a limit or
// would change a table that is read-only. For that it reads fields of the interpreter that have no names outside
// of it (layout.go). Functions that loop or allocate in Go charge for it themselves: Engine.work for time, in
// instructions, and Engine.grow for memory, in bytes. The libraries of gopher-lua are not used: string, table,
// math and coroutine differ from Lua's in their results, and none has limits.
//
// # How a library registers
//
// A library is one file with a function
//
//	func openNAME(e *Engine) *lua.LTable
//
// listed in libraries (libraries.go). It returns the table that scripts see under the library's name; e.table
// makes one of a map of functions. Each function is a
//
//	func(e *Engine, L *lua.LState) int
//
// with the arguments on L and as many results pushed as it returns. Errors are raised by e.fail(L, format, …),
// which puts the place in front as luaL_error does, or badArgument. Before a function allocates n bytes it calls
// e.grow(L, n); a loop of n cheap steps calls e.work(L, n) first, or in parts as it goes on; both do not return if
// a limit is reached. New tables come from e.newTable(L, array, hash), which charges. Tables that a script handed
// in are changed by e.set(L, table, key, value) alone, since they may be read-only. A function of the script's is
// called by e.call(L, fn, results, args…). A value that is none of Lua's, such as cjson.null, is an
// *lua.LUserData made by e.opaque(). Numbers become text by formatNumber and text numbers by parseNumber: those
// of gopher-lua are not Lua's. Table order: L.Next; never ForEach, which ranges over a Go map.
//
// All tables that a library has made by the end of its open function are read-only afterwards. A library has no
// state beyond them.
package lua
