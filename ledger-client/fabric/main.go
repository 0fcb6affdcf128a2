// emrfs-fabric is the backend of a host on a channel of Hyperledger Fabric: it hands in, reads and verifies blocks, and asks for private
// parts, for the one program that opens its socket (FORMAT.md). It judges no item and serves no member.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hyperledger/fabric-lib-go/common/flogging"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric/protoutil"
)

const fabricVersion = "3.1.1" // of the libraries that go.mod names

func main() {
	if len(os.Args) != 3 || (os.Args[1] != "serve" && os.Args[1] != "verify") {
		fmt.Fprintln(os.Stderr, "usage: emrfs-fabric serve DIR\n       emrfs-fabric verify DIR")
		os.Exit(2)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	flogging.Init(flogging.Config{LogSpec: "fatal", Writer: os.Stderr}) // what its parts say of odd transactions is no trouble of this program
	syscall.Umask(0o077)
	settings, err := readSettings(os.Args[2])
	if err == nil && os.Args[1] == "serve" {
		err = serve(settings)
	} else if err == nil {
		err = verify(settings)
	}
	if errors.Is(err, errDiffers) {
		fmt.Println(err)
		os.Exit(1)
	}
	if err != nil && !errors.Is(err, context.Canceled) { // SIGTERM while no peer gave block 0
		fmt.Fprintln(os.Stderr, "emrfs-fabric:", err)
		os.Exit(2)
	}
}

func serve(s *settings) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	who, err := s.readSigner()
	if err != nil {
		return err
	}
	nodes, err := connect(s, who)
	if err != nil {
		return err
	}
	defer disconnect(nodes)
	chain, err := openChain(filepath.Join(s.dir, "chain"), s.channel, func() (*common.Block, error) { return fetchGenesis(ctx, s, nodes) })
	if err != nil {
		return err
	}
	defer chain.close()
	if chain.genesisHash() != s.genesis {
		return errors.New("the chain begins with another block than the settings say")
	}
	outbox, err := openOutbox(filepath.Join(s.dir, "outbox"))
	if err != nil {
		return err
	}
	defer outbox.db.Close()
	if err := catchUp(chain, outbox); err != nil {
		return err
	}
	b := &backend{settings: s, who: who, chain: chain, nodes: nodes, outbox: outbox, ctx: ctx, bodies: make(chan struct{}, bodiesMax),
		sender: newSender(ctx, chain, outbox, nodes, who, s.chaincode), reader: &reader{chain: chain, nodes: nodes, saw: outbox.saw}}
	for _, r := range outbox.inOrder() {
		b.sender.start(r)
	}
	var parts sync.WaitGroup
	parts.Go(func() { b.reader.run(ctx) })
	parts.Go(func() {
		for ; ctx.Err() == nil; sleep(ctx, time.Hour) {
			if err := outbox.forget(time.Now()); err != nil {
				slog.Error("old transactions are not forgotten", "why", err)
			}
		}
	})
	err = b.serve()
	cancel()
	parts.Wait()
	b.sender.all.Wait()
	return err
}

// fetchGenesis takes block 0 from any peer: the settings say which it is.
func fetchGenesis(ctx context.Context, s *settings, nodes []*node) (*common.Block, error) {
	for {
		for _, n := range nodes {
			block, err := n.blockAt(ctx, 0)
			if err == nil && headerHash(block) != s.genesis {
				err = n.note(fmt.Errorf("its block 0 is %s", headerHash(block)))
			}
			if err == nil { // nothing but the hash says what is in it, and that is not of its metadata
				block.Metadata = nil
				protoutil.InitBlockMetadata(block)
				block.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = make([]byte, len(block.Data.Data)) // all valid
				return block, nil
			}
			slog.Warn("a peer does not give block 0", "peer", n.address, "why", err)
		}
		if sleep(ctx, pauseMax); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// catchUp ends what blocks had when the program was killed.
func catchUp(c *chain, o *outbox) error {
	from, ok := o.oldest()
	height, _ := c.served()
	for ; ok && from < height; from++ {
		block, err := c.ledger.GetBlockByNumber(from)
		if err != nil {
			return err
		}
		if err := o.saw(block); err != nil {
			return err
		}
	}
	return nil
}

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
	if first, err := kept.ledger.GetBlockByNumber(0); err != nil || !isWhole(first) || headerHash(first) != s.genesis {
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
