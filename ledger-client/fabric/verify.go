package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
)

// errDiffers is that a replay came out otherwise.
var errDiffers = errors.New("the chain is not what a replay gives")

// verify replays the blocks of the chain in DIR into an empty ledger: orderers' signatures, endorsements, conflicts; each code and the hash
// of what each block did to the state must be what stands there.
func verify(s *settings) error {
	none := func() (*common.Block, error) { return nil, errors.New("there is no chain yet") }
	kept, err := openChain(filepath.Join(s.dir, "chain"), s.channel, none)
	if err != nil {
		return err
	}
	defer kept.close()
	if kept.genesisHash() != s.genesis {
		return fmt.Errorf("%w: block 0 is not the one in the settings", errDiffers)
	}
	work, err := os.MkdirTemp(s.dir, "verify-")
	if err != nil {
		return err
	}
	defer func() {
		if err := os.RemoveAll(work); err != nil {
			slog.Warn("the replay is left behind", "why", err)
		}
	}()
	again, err := openChain(work, s.channel, func() (*common.Block, error) { return kept.ledger.GetBlockByNumber(0) })
	if err != nil {
		return err
	}
	defer again.close()
	height := kept.height()
	for number := uint64(1); number < height; number++ {
		block, err := kept.ledger.GetBlockByNumber(number)
		if err != nil {
			return fmt.Errorf("%w: block %d: %w", errDiffers, number, err)
		}
		codes, effect := codesOf(block), effectOf(block)
		replayed, err := again.take(block)
		if err != nil {
			return fmt.Errorf("%w: %w", errDiffers, err)
		}
		if !bytes.Equal(codes, replayed) || !bytes.Equal(effect, effectOf(block)) {
			return fmt.Errorf("%w: block %d has codes %x and effect %x, the replay %x and %x", errDiffers, number, codes, effect, replayed, effectOf(block))
		}
	}
	fmt.Printf("%d blocks are what a replay from block 0 gives\n", height)
	return nil
}

// effectOf is the hash that Fabric's ledger chains over codes and writes of all blocks.
func effectOf(block *common.Block) []byte {
	return bytes.Clone(block.Metadata.Metadata[common.BlockMetadataIndex_COMMIT_HASH])
}
