package lua

// What scripts are told, in Redis' words where Redis has the error.
const (
	errReadOnly = "Attempt to modify a readonly table"
	errKilled   = "Script killed by user with SCRIPT KILL..."
	errTooLong  = "Script stopped: it has executed lua-max-steps instructions"
	errTooLarge = "Script stopped: it has allocated lua-max-memory bytes"

	errNoArguments = "Please specify at least one argument for this redis lib call"
	errArguments   = "Lua redis lib command arguments must be strings or integers"
	errOutside     = " can only be called inside a script invocation"
)

// Of functions and the libraries that register them.
const (
	errNoMetadata    = "Missing library metadata"
	errMetadata      = "Invalid library metadata"
	errMetadataValue = "Invalid metadata value given"
	errMetadataName  = "Invalid metadata value, name argument was given multiple times"
	errNoLibraryName = "Library name was not given"
	errLibraryName   = "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
	errNoFunctions   = "No functions registered"
	errLoadTimeout   = "FUNCTION LOAD timeout"

	errRegisterOutside   = "redis.register_function can only be called on FUNCTION LOAD command"
	errRegisterArguments = "wrong number of arguments to redis.register_function"
	errRegisterName      = "first argument to redis.register_function must be a string"
	errRegisterCallback  = "second argument to redis.register_function must be a function"
	errRegisterTwice     = "Function already exists in the library"
	errRegisterSingle    = "calling redis.register_function with a single argument is only applicable to Lua table " +
		"(representing named arguments)."

	errNamedKey         = "named argument key given to redis.register_function is not a string"
	errNamedName        = "function_name argument given to redis.register_function must be a string"
	errNamedDescription = "description argument given to redis.register_function must be a string"
	errNamedCallback    = "callback argument given to redis.register_function must be a function"
	errNamedFlags       = "flags argument to redis.register_function must be a table representing function flags"
	errNamedFlag        = "unknown flag given"
	errNamedUnknown     = "unknown argument given to redis.register_function"
	errNamedNoName      = "redis.register_function must get a function name argument"
	errNamedNoCallback  = "redis.register_function must get a callback argument"
)
