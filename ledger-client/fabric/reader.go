package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
)

const (
	messageMax = 64 << 20 // of a peer: a block, say
	askTimeout = 20 * time.Second
)

// node is a peer of the channel: its gateway, its blocks, and when it was heard.
type node struct {
	peerAt
	connection *grpc.ClientConn
	gateway    *client.Gateway
	network    *client.Network

	mu          sync.Mutex
	heard       time.Time
	height      uint64 // that it said it has, or of the blocks that it gave
	said        string // why it was not heard the last time
	certificate *x509.Certificate
}

func connect(s *settings, who *signer) ([]*node, error) {
	var nodes []*node
	for _, at := range s.peers {
		n := &node{peerAt: at}
		var err error
		n.connection, err = grpc.NewClient(at.address,
			grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: at.roots, MinVersion: tls.VersionTLS12, VerifyConnection: n.showed})),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageMax), grpc.MaxCallSendMsgSize(messageMax)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 2 * time.Minute, Timeout: 20 * time.Second}))
		if err == nil {
			n.gateway, err = client.Connect(who.identity, client.WithSign(who.sign), client.WithHash(who.hash), client.WithClientConnection(n.connection))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at.address, err)
		}
		n.network = n.gateway.GetNetwork(s.channel)
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func disconnect(nodes []*node) {
	for _, n := range nodes {
		n.gateway.Close()
		n.connection.Close()
	}
}

// showed notes the certificate, whose end the state of the channel tells.
func (n *node) showed(state tls.ConnectionState) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.certificate = state.PeerCertificates[0]
	return nil
}

// gave notes a block that the peer gave.
func (n *node) gave(block *common.Block) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said, n.heard, n.height = "", time.Now(), max(n.height, block.GetHeader().GetNumber()+1)
}

// tell asks how many blocks the peer has, so that the host knows when it has read them all. One that does not say is measured by the blocks that it gives.
func (n *node) tell(ctx context.Context, channel string) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	has := &common.BlockchainInfo{}
	answer, err := n.network.GetContract("qscc").EvaluateWithContext(ctx, "GetChainInfo", client.WithArguments(channel))
	if err != nil || proto.Unmarshal(answer, has) != nil {
		slog.Info("a peer does not say how many blocks it has", "peer", n.address, "why", err)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.height = max(n.height, has.GetHeight())
}

// note remembers that the peer answered, or why it did not.
func (n *node) note(err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.said = err.Error()
		return err
	}
	n.said, n.heard = "", time.Now()
	return nil
}

// blockAt is one block as this peer has it.
func (n *node) blockAt(ctx context.Context, number uint64) (*common.Block, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	blocks, err := n.network.BlockEvents(ctx, client.WithStartBlock(number))
	if err != nil {
		return nil, n.note(err)
	}
	block, ok := <-blocks
	if !ok || !isWhole(block) || block.Header.Number != number {
		return nil, n.note(fmt.Errorf("no block %d that is whole", number))
	}
	return block, n.note(nil)
}

// evaluate asks one peer after another until one answers. The contract's own no is an answer.
func evaluate(ctx context.Context, nodes []*node, chaincode, function string, args [][]byte) (answer []byte, err error) {
	for _, n := range nodes {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		answer, err = n.network.GetContract(chaincode).EvaluateWithContext(ctx, function, client.WithBytesArguments(args...))
		cancel()
		if _, refused := refusalIn(err); refused || err == nil {
			n.note(nil)
			return answer, err
		}
		n.note(err)
	}
	return nil, err
}

// ---- Reading ----

const (
	pauseMin = 200 * time.Millisecond
	pauseMax = 10 * time.Second
	turn     = 15 * time.Second // a peer that gives nothing new for so long is followed by the next, so none can withhold what another gives
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
	block uint64
	said  string
	words []word
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
		if err == nil || r.chain.height() > before {
			pause = pauseMin
		}
		if n.note(err) != nil {
			slog.Warn("a peer gives no more blocks", "peer", n.address, "height", r.chain.height(), "why", err)
			sleep(ctx, pause)
			pause = min(2*pause, pauseMax)
		}
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
	n.tell(ctx, n.network.Name())
	from := max(r.chain.height()-1, 1)
	blocks, err := n.network.BlockEvents(ctx, client.WithStartBlock(from))
	if err != nil {
		return err
	}
	over := time.NewTimer(turn)
	defer over.Stop()
	for gave := false; ; gave = true {
		select {
		case block, ok := <-blocks:
			if !ok {
				return fmt.Errorf("the stream of blocks ended")
			}
			if block.GetHeader().GetNumber() > from {
				over.Reset(turn)
			}
			if err := r.take(ctx, block); err != nil {
				return err
			}
			n.gave(block)
		case <-over.C:
			if !gave {
				return fmt.Errorf("it gives no block %d", from)
			}
			return nil
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
		r.setStop(&stop{number, err.Error(), []word{}})
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
		here := &stop{block: block.Header.Number, words: []word{}}
		same := 0
		for _, msp := range organisations {
			w := r.wordOf(ctx, msp, block)
			here.words = append(here.words, w)
			if w.Said == "" && w.Codes == hex.EncodeToString(own) {
				same++
			}
		}
		if 2*same > len(organisations) {
			slog.Info("a majority has the codes that were computed here", "block", here.block)
			return nil
		}
		here.said = fmt.Sprintf("codes differ from those computed here (%x), which %d of %d organisations have", own, same, len(organisations))
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
