package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// must ends the test where something fails that it needs.
func must[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

func fail(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

func expect(what string, found, wanted any) {
	if fmt.Sprint(found) != fmt.Sprint(wanted) {
		fail("%s: found %v, wanted %v", what, found, wanted)
	}
}

// network is one that examples/network/fabric made.
type network struct {
	dir   string
	ports map[string]string
}

func openNetwork(dir string) *network {
	n := &network{dir, map[string]string{}}
	for _, found := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(string(must(os.ReadFile(dir+"/net"))), -1) {
		n.ports[found[1]] = found[2]
	}
	return n
}

func (n *network) file(org int, name string) string {
	return filepath.Join(n.dir, fmt.Sprint(org), name)
}
func (n *network) peer(org int) string { return "127.0.0.1:" + n.ports[fmt.Sprint("peer_", org)] }

func (n *network) roots(org int) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(must(os.ReadFile(n.file(org, "tlsca/cert.pem"))))
	return pool
}

// backend is the program under test, for a host of one organisation.
type backend struct {
	program, dir string
	process      *exec.Cmd
	ended        chan struct{}
	log          *os.File
	client       *http.Client
}

// backend makes one of ORG in DIR, with these peers in front of others.
func (n *network) backend(program, dir string, org int, peers ...*played) *backend {
	text := fmt.Sprintf("channel = emrfs\nchaincode = emrfs\nmsp = Emr%dMSP\ngenesis = %s\ncertificate = %s\nkey = %s\n", org, n.ports["genesis"],
		n.file(org, "client/msp/signcerts/cert.pem"), n.file(org, "client/msp/keystore/key.pem"))
	for i, p := range peers {
		of := (org+i-1)%3 + 1
		text += fmt.Sprintf("peer = Emr%dMSP %s %s # played\n", of, p.address, n.file(of, "tlsca/cert.pem"))
	}
	must(0, os.MkdirAll(dir, 0o700))
	must(0, os.WriteFile(filepath.Join(dir, "settings"), []byte(text), 0o600))
	b := &backend{program: program, dir: dir}
	b.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "run", "backend"))
	}}}
	return b
}

func (b *backend) start() {
	b.log = must(os.OpenFile(b.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))
	b.process = exec.Command(b.program, "serve", b.dir)
	b.process.Stderr = b.log
	b.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(0, b.process.Start())
	b.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) { process.Wait(); close(ended) }(b.process, b.ended)
	for {
		if answer, err := b.client.Get("http://backend/v1/log"); err == nil {
			answer.Body.Close()
			return
		}
		select {
		case <-b.ended:
			fail("the backend in %s has ended: %s", b.dir, must(os.ReadFile(b.dir+".log")))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *backend) end(signal os.Signal) {
	must(0, b.process.Process.Signal(signal))
	<-b.ended
	b.client.CloseIdleConnections()
	b.log.Close()
	if signal == syscall.SIGTERM {
		expect("status at SIGTERM", b.process.ProcessState.ExitCode(), 0)
	}
}

func (b *backend) kill() { b.end(syscall.SIGKILL) }

type object = map[string]any

// call answers status and body.
func (b *backend) call(path string, body any) (int, object) {
	var answer *http.Response
	if body == nil {
		answer = must(b.client.Get("http://backend" + path))
	} else {
		answer = must(b.client.Post("http://backend"+path, "application/json", bytes.NewReader(must(json.Marshal(body)))))
	}
	defer answer.Body.Close()
	out := object{}
	must(0, json.Unmarshal(must(io.ReadAll(answer.Body)), &out))
	return answer.StatusCode, out
}

func (b *backend) ok(path string, body any) object {
	code, answer := b.call(path, body)
	expect(fmt.Sprint(path, " ", answer), code, 200)
	return answer
}

// letter is a transaction that every member may make: a letter of an invitation that nobody knows.
func letter(id string) object {
	invitation := make([]byte, 16)
	rand.Read(invitation)
	return object{"id": id, "line": "letters", "function": "leave", "transient": map[string][]byte{"letter": append(append(invitation, 1), "a letter of "+rand.Text()...)}}
}

// markOf is what a block has of a letter, and of no other one: the hash of its text.
func markOf(letter object) []byte {
	sum := sha256.Sum256(letter["transient"].(map[string][]byte)["letter"][17:])
	return sum[:]
}

// untilEnded waits for the end, as a host would.
func (b *backend) untilEnded(id string) object {
	for {
		if answer := b.ok("/v1/transactions/"+id+"?wait=60", nil); answer["state"] != "waiting" {
			return answer
		}
	}
}

// all is the log from block 0 to the last that is served, with what one answer after another has.
func (b *backend) all() (transactions []object) {
	block, index := 0, 0
	for {
		answer := b.ok(fmt.Sprintf("/v1/log?block=%d&index=%d", block, index), nil)
		for _, t := range answer["transactions"].([]any) {
			transactions = append(transactions, t.(object))
		}
		block, index = int(answer["block"].(float64)), int(answer["index"].(float64))
		if block >= int(answer["height"].(float64)) {
			return transactions
		}
	}
}

// effects counts the valid transactions of a function that write, and have MARK in them as the orderer gives their block.
func (t *test) effects(b *backend, function string, mark []byte) (count int) {
	for _, one := range b.all() {
		if one["function"] != function || one["validity"] != 0.0 || one["writes"] != true {
			continue
		}
		number := uint64(one["block"].(float64))
		if t.blocks[number] == nil {
			t.blocks[number] = t.member.ordered(number)
		}
		if bytes.Contains(t.blocks[number].Data.Data[int(one["index"].(float64))], mark) {
			count++
		}
	}
	return count
}

func text(content []byte) string {
	var out string
	must(0, json.Unmarshal(must(json.Marshal(content)), &out))
	return out
}

// follows waits until so many blocks are served.
func (b *backend) follows(height int) {
	for b.height() < height {
		b.ok(fmt.Sprintf("/v1/log?block=%d&wait=1", b.height()), nil) // blocks of nobody's transactions end no waiting
	}
}

func (b *backend) height() int { return int(b.ok("/v1/log", nil)["height"].(float64)) }

func unhex(text string) []byte { return must(hex.DecodeString(text)) }

// ---- A played peer ----

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
