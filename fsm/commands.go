package fsm

import (
	"slices"

	"github.com/redraftdb/redraft/fsm/command"
)

// Commands lists every command of the machine, those that nodes give themselves included, family
// by family.
func Commands() []*command.Spec {
	return slices.Concat(
		genericCommands(),
		dumpCommands(),
		sortCommands(),
		scanCommands(),
		expireCommands(),
		stringCommands(),
		lcsCommands(),
		counterCommands(),
		bitCommands(),
		bitfieldCommands(),
		hllCommands(),
		hashCommands(),
		hexpireCommands(),
		hgetexCommands(),
		listCommands(),
		listBlockingCommands(),
		setCommands(),
		setAlgebraCommands(),
		zsetCommands(),
		zrangeCommands(),
		zremrangeCommands(),
		zpopCommands(),
		zsetBlockingCommands(),
		zrandmemberCommands(),
		zcombineCommands(),
		geoCommands(),
		streamCommands(),
		streamReadCommands(),
		streamGroupCommands(),
		streamClaimCommands(),
		streamInfoCommands(),
		databaseCommands(),
		memoryCommands(),
		scriptCommands(),
		functionCommands(),
		pubsubCommands(),
		internalCommands(),
		userCommands(),
		evictCommands(),
		transactionCommands(),
		blockingCommands(),
	)
}
