package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	endorses = "/gateway.Gateway/Endorse"
	submits  = "/gateway.Gateway/Submit"
	delivers = "/protos.Deliver/Deliver"
)

// played stands between a backend and a real peer: each message can be held, changed, or followed by another one.
type played struct {
	address string
	mu      sync.Mutex
	hook    hook
}

// hook sees a message of a call, of the asking side or the answering one, and says what goes on.
type hook func(method string, isAnswer bool, message []byte) ([][]byte, error)

// set gives the peer another behaviour; nil: it is honest.
func (p *played) set(h hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = h
}

func (p *played) pass(method string, isAnswer bool, message []byte) ([][]byte, error) {
	p.mu.Lock()
	h := p.hook
	p.mu.Unlock()
	if h == nil {
		return [][]byte{message}, nil
	}
	return h(method, isAnswer, message)
}

// hold stops the first such message until it is let go, and says that it came.
func (p *played) hold(method string, isAnswer bool, is func([]byte) bool) (came chan []byte, letGo func()) {
	came = make(chan []byte, 1)
	gone := make(chan struct{})
	var once sync.Once
	p.set(func(m string, a bool, message []byte) ([][]byte, error) {
		if m == method && a == isAnswer && is(message) {
			once.Do(func() { came <- message })
			<-gone
		}
		return [][]byte{message}, nil
	})
	return came, func() { close(gone); p.set(nil) }
}

func away(string, bool, []byte) ([][]byte, error) {
	return nil, status.Error(codes.Unavailable, "played away")
}

// block changes the blocks that a peer delivers.
func block(change func(*common.Block) []*common.Block) hook {
	return func(method string, isAnswer bool, message []byte) ([][]byte, error) {
		answer := &peer.DeliverResponse{}
		if method != delivers || !isAnswer || proto.Unmarshal(message, answer) != nil || answer.GetBlock() == nil {
			return [][]byte{message}, nil
		}
		var out [][]byte
		for _, b := range change(answer.GetBlock()) {
			m, err := proto.Marshal(&peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: b}})
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
		return out, nil
	}
}

type raw struct{}

func (raw) Name() string                  { return "proto" }
func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(message []byte, v any) error {
	*v.(*[]byte) = append([]byte{}, message...)
	return nil
}

// play begins a peer of ORG in front of its real one.
func (n *network) play(org int) *played {
	certificate := must(tls.LoadX509KeyPair(n.file(org, "peer/tls.pem"), n.file(org, "peer/tls.key")))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	p := &played{address: listener.Addr().String()}
	real := must(grpc.NewClient(n.peer(org), grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(n.roots(org), "")),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(64<<20))))
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(64<<20), grpc.Creds(credentials.NewServerTLSFromCert(&certificate)),
		grpc.UnknownServiceHandler(func(_ any, asking grpc.ServerStream) error { return p.forward(asking, real) }))
	go server.Serve(listener)
	return p
}

func (p *played) forward(asking grpc.ServerStream, real *grpc.ClientConn) error {
	method, _ := grpc.MethodFromServerStream(asking)
	ctx, cancel := context.WithCancel(asking.Context())
	defer cancel()
	answering, err := real.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	refused := make(chan error, 1)
	go func() {
		for {
			var message []byte
			if err := asking.RecvMsg(&message); err != nil {
				answering.CloseSend()
				return
			}
			on, err := p.pass(method, false, message)
			if err != nil {
				refused <- err
				cancel()
				return
			}
			for _, m := range on {
				answering.SendMsg(&m)
			}
		}
	}()
	for {
		var message []byte
		if err := answering.RecvMsg(&message); err != nil {
			select {
			case err = <-refused:
			default:
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		on, err := p.pass(method, true, message)
		if err != nil {
			return err
		}
		for _, m := range on {
			if err := asking.SendMsg(&m); err != nil {
				return err
			}
		}
	}
}
