package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	messageMax  = 64 << 20 // of a peer: a block, say
	lookEvery   = 10 * time.Second
	lookTimeout = 5 * time.Second
	askTimeout  = 20 * time.Second
)

// node is a peer of the channel: its gateway, its blocks, and when it was heard.
type node struct {
	peerAt
	connection *grpc.ClientConn
	gateway    *client.Gateway
	network    *client.Network

	mu          sync.Mutex
	heard       time.Time
	height      uint64
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

// look asks the peer how many blocks it has, so that one that withholds them is found.
func (n *node) look(ctx context.Context, channel string) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	answer, err := n.network.GetContract("qscc").EvaluateWithContext(ctx, "GetChainInfo", client.WithArguments(channel))
	info := &common.BlockchainInfo{}
	if err == nil {
		err = proto.Unmarshal(answer, info)
	}
	if n.note(err) == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.height = info.Height
	}
}

func (n *node) heightHeard() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.height
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
	if !ok || block.GetHeader().GetNumber() != number {
		return nil, n.note(fmt.Errorf("no block %d", number))
	}
	return block, n.note(nil)
}

// evaluate asks one peer after another until one answers. The contract's own no is an answer.
func evaluate(ctx context.Context, nodes []*node, chaincode, function string, args [][]byte) ([]byte, *node, error) {
	err := errors.New("no peer is known")
	for _, n := range nodes {
		var answer []byte
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		answer, err = n.network.GetContract(chaincode).EvaluateWithContext(ctx, function, client.WithBytesArguments(args...))
		cancel()
		if _, refused := refusalIn(err); refused || err == nil {
			n.note(nil)
			return answer, n, err
		}
		n.note(err)
	}
	return nil, nil, err
}

// lookAtAll does so again and again.
func lookAtAll(ctx context.Context, nodes []*node, channel string) {
	for {
		var all sync.WaitGroup
		for _, n := range nodes {
			all.Go(func() { n.look(ctx, channel) })
		}
		all.Wait()
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// organisationsOf names those that have a peer among NODES, in their order.
func organisationsOf(nodes []*node) []string {
	var msps []string
	for _, n := range nodes {
		if !slices.Contains(msps, n.msp) {
			msps = append(msps, n.msp)
		}
	}
	return msps
}
