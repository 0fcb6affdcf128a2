package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
)

const (
	pauseMin   = 200 * time.Millisecond
	pauseMax   = 10 * time.Second
	withheldIn = 15 * time.Second // a peer that shows nothing for so long, while another has more, is left
)

// reader brings the chain up to date from one peer at a time. No peer is believed: blocks by the orderers' signatures, codes by the chain's
// own judgement. Where a peer has other codes, one peer of each organisation is asked, and reading stops there until a majority has ours.
type reader struct {
	chain *chain
	nodes []*node
	saw   func(*common.Block) error // is told each block that is agreed, perhaps twice

	mu   sync.Mutex
	stop *stop
}

// stop is where reading has stopped, and why.
type stop struct {
	Block uint64 `json:"block"`
	Said  string `json:"said"`
	Words []word `json:"words"`
}

// word is what a peer of an organisation says of a block.
type word struct {
	MSP   string `json:"msp"`
	Codes string `json:"codes"`
	Said  string `json:"said"`
}

func (r *reader) setStop(s *stop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = s
}

func (r *reader) stopped() *stop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

// run reads until the program ends; a peer that fails is followed by the next.
func (r *reader) run(ctx context.Context) {
	pause := pauseMin
	for i := 0; ctx.Err() == nil; i++ {
		n, before := r.nodes[i%len(r.nodes)], r.chain.height()
		err := r.follow(ctx, n)
		if ctx.Err() != nil {
			return
		}
		n.note(err)
		slog.Warn("a peer gives no more blocks", "peer", n.address, "height", r.chain.height(), "why", err)
		if pause = min(2*pause, pauseMax); r.chain.height() > before {
			pause = pauseMin
		}
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// follow takes what one peer has. It begins with the last block that is here: whether the peers agreed about it is not written down.
func (r *reader) follow(ctx context.Context, n *node) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := max(r.chain.height()-1, 1)
	blocks, err := n.network.BlockEvents(ctx, client.WithStartBlock(from))
	if err != nil {
		return err
	}
	look := time.NewTicker(withheldIn)
	defer look.Stop()
	for {
		select {
		case block, ok := <-blocks:
			if !ok {
				return fmt.Errorf("the stream of blocks ended")
			}
			if err := r.take(ctx, block); err != nil {
				return err
			}
			n.note(nil)
			look.Reset(withheldIn)
		case <-look.C:
			for _, other := range r.nodes {
				if other.heightHeard() > r.chain.height() {
					return fmt.Errorf("%s has block %d", other.address, r.chain.height())
				}
			}
		}
	}
}

func (r *reader) take(ctx context.Context, block *common.Block) error {
	number, height, theirs := block.GetHeader().GetNumber(), r.chain.height(), codesOf(block)
	if number+1 < height {
		return fmt.Errorf("block %d comes again", number)
	}
	if number+1 == height {
		own, err := r.chain.ledger.GetBlockByNumber(number)
		if err != nil {
			return err
		}
		if block.GetHeader() == nil || headerHash(own) != headerHash(block) {
			return fmt.Errorf("block %d is another one than the one that is here", number)
		}
		block = own
	} else if _, err := r.chain.take(block); err != nil {
		r.setStop(&stop{Block: number, Said: err.Error(), Words: []word{}})
		return err
	}
	if own := codesOf(block); !bytes.Equal(own, theirs) {
		slog.Warn("a peer has other codes than were computed here", "block", number, "here", hex.EncodeToString(own), "there", hex.EncodeToString(theirs))
		if err := r.untilMajority(ctx, block, own); err != nil {
			return err
		}
	}
	if err := r.saw(block); err != nil {
		return err
	}
	r.setStop(nil)
	r.chain.agree()
	return nil
}

// untilMajority asks one peer of each organisation for its codes of a block until more than half of the organisations have OWN.
func (r *reader) untilMajority(ctx context.Context, block *common.Block, own []byte) error {
	for pause := pauseMin; ctx.Err() == nil; pause = min(2*pause, pauseMax) {
		organisations := r.chain.GetMSPIDs()
		here := &stop{Block: block.Header.Number, Words: []word{}}
		same, other := 0, map[string]int{}
		for _, msp := range organisations {
			w := r.wordOf(ctx, msp, block)
			here.Words = append(here.Words, w)
			if w.Said != "" {
				continue
			}
			if w.Codes == hex.EncodeToString(own) {
				same++
			} else {
				other[w.Codes]++
			}
		}
		if 2*same > len(organisations) {
			slog.Info("a majority has the codes that were computed here", "block", here.Block)
			return nil
		}
		here.Said = fmt.Sprintf("codes differ from those computed here (%x), which %d of %d organisations have", own, same, len(organisations))
		for codes, n := range other {
			if 2*n > len(organisations) {
				here.Said = fmt.Sprintf("a majority has the codes %s, where %x was computed here", codes, own)
			}
		}
		r.setStop(here)
		sleep(ctx, pause)
	}
	return ctx.Err()
}

func (r *reader) wordOf(ctx context.Context, msp string, block *common.Block) word {
	w := word{MSP: msp, Said: "no peer of it is in the settings"}
	for _, n := range slices.DeleteFunc(slices.Clone(r.nodes), func(n *node) bool { return n.msp != msp }) {
		theirs, err := n.blockAt(ctx, block.Header.Number)
		if err == nil && headerHash(theirs) != headerHash(block) {
			err = fmt.Errorf("it has another block")
		}
		if err == nil {
			return word{MSP: msp, Codes: hex.EncodeToString(codesOf(theirs))}
		}
		w.Said = err.Error()
	}
	return w
}
