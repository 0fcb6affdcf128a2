package main

// A gateway on grpc-go.  The channel's name says how it behaves: "honest" (and "honest" with more behind a dot), "lie.NAME" of transaction.go,
// "fail.NAME" of failures.go, or one of the ways in which sending can go wrong:
//
//	lost-answer    the transaction is committed, and Submit says UNAVAILABLE
//	lost-first     the first Submit is lost, and says UNAVAILABLE; the second is taken
//	lost-all       every Submit is lost and says UNAVAILABLE
//	late           committed when it comes after somebody has evaluated "take"; each time Submit says that all is well
//	other-orderer  the first orderer does not know the channel: ABORTED; the second takes it
//	overtaken      it is committed as an MVCC conflict
//	policy         it is committed as a failure of the endorsement policy
//	duplicate      what is told first is the code of its second copy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

type committed struct {
	code  peer.TxValidationCode
	block uint64
	args  [][]byte
}

// A ledger is one channel.
type ledger struct {
	came      map[string]int // how often a transaction was submitted
	isTaking  bool           // of "late": what comes from now on is committed
	proposals int
	done      map[string]*committed
	order     []string
	asked     map[string]int
	changed   chan struct{}
}

type server struct {
	gateway.UnimplementedGatewayServer
	lock    sync.Mutex
	ledgers map[string]*ledger
}

func (s *server) ledger(channel string) *ledger {
	found := s.ledgers[channel]
	if found == nil {
		found = &ledger{came: map[string]int{}, done: map[string]*committed{}, asked: map[string]int{}, changed: make(chan struct{})}
		s.ledgers[channel] = found
	}
	return found
}

func script(channel string) (kind, name string) {
	kind, name, _ = strings.Cut(channel, ".")
	return kind, name
}

func proposed(signed *peer.SignedProposal, channel, tx string) (*call, error) {
	made, err := readCall(signed.GetProposalBytes())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := verify(made.signature.Creator, signed.GetProposalBytes(), signed.GetSignature()); err != nil {
		return nil, status.Errorf(codes.FailedPrecondition, "access denied: channel [%s] creator org [OrgA]: %s", channel, err)
	}
	if made.channel.ChannelId != channel || made.channel.TxId != tx {
		return nil, status.Error(codes.InvalidArgument, "the request and its proposal differ")
	}
	return made, nil
}

// The chaincode: "echo" gives back its arguments and private parts, "effects" says how many valid transactions had the same second
// argument, "proposals" how many were endorsed, "came" how often the transaction that came most often did.
func (s *server) run(channel string, made *call) []byte {
	l := s.ledger(channel)
	switch string(made.args[0]) {
	case "effects":
		n := 0
		for _, one := range l.done {
			if one.code == peer.TxValidationCode_VALID && len(one.args) > 1 && string(one.args[1]) == string(made.args[1]) {
				n++
			}
		}
		return fmt.Appendf(nil, "%d", n)
	case "proposals":
		return fmt.Appendf(nil, "%d", l.proposals)
	case "came":
		most := 0
		for _, n := range l.came {
			most = max(most, n)
		}
		return fmt.Appendf(nil, "%d", most)
	case "take":
		l.isTaking = true
	}
	var out []byte
	for _, arg := range made.args[1:] {
		out = append(out, arg...)
	}
	return append(out, made.payload.TransientMap["parts"]...)
}

func (s *server) Evaluate(ctx context.Context, request *gateway.EvaluateRequest) (*gateway.EvaluateResponse, error) {
	made, err := proposed(request.ProposedTransaction, request.ChannelId, request.TransactionId)
	if err != nil {
		return nil, err
	}
	if kind, name := script(request.ChannelId); kind == "fail" {
		return nil, fail(ctx, name)
	} else if kind == "refuse" {
		return &gateway.EvaluateResponse{Result: &peer.Response{Status: 400, Message: "refused 23\n: not authorised"}}, nil
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	return &gateway.EvaluateResponse{Result: &peer.Response{Status: 200, Payload: s.run(request.ChannelId, made)}}, nil
}

func (s *server) Endorse(ctx context.Context, request *gateway.EndorseRequest) (*gateway.EndorseResponse, error) {
	made, err := proposed(request.ProposedTransaction, request.ChannelId, request.TransactionId)
	if err != nil {
		return nil, err
	}
	kind, name := script(request.ChannelId)
	if kind == "fail" {
		return nil, fail(ctx, name)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.ledger(request.ChannelId).proposals++
	result := s.run(request.ChannelId, made)
	payload := made.honest(result)
	if kind == "lie" {
		found := false
		for _, one := range lies {
			if one.name == name {
				payload, found = one.tell(made, result), true
			}
		}
		if !found {
			return nil, status.Error(codes.InvalidArgument, "no such lie")
		}
	}
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: payload}}, nil
}

func readEnvelope(envelope *common.Envelope) (*call, error) {
	var payload common.Payload
	var transaction peer.Transaction
	var action peer.ChaincodeActionPayload
	if err := errors.Join(proto.Unmarshal(envelope.GetPayload(), &payload), proto.Unmarshal(payload.Data, &transaction)); err != nil {
		return nil, err
	}
	if len(transaction.Actions) != 1 {
		return nil, errors.New("not one action")
	}
	if err := proto.Unmarshal(transaction.Actions[0].Payload, &action); err != nil {
		return nil, err
	}
	made, err := readCall(encoded(&peer.Proposal{Header: encoded(payload.Header), Payload: action.ChaincodeProposalPayload}))
	if err != nil {
		return nil, err
	}
	return made, verify(made.signature.Creator, envelope.Payload, envelope.Signature)
}

func (l *ledger) commit(tx string, code peer.TxValidationCode, args [][]byte) {
	if l.done[tx] != nil {
		return
	}
	l.order = append(l.order, tx)
	l.done[tx] = &committed{code, uint64(len(l.order)), args}
	close(l.changed)
	l.changed = make(chan struct{})
}

func (s *server) Submit(ctx context.Context, request *gateway.SubmitRequest) (*gateway.SubmitResponse, error) {
	made, err := readEnvelope(request.PreparedTransaction)
	if err != nil {
		return nil, status.Errorf(codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=%s", err)
	}
	if made.channel.TxId != request.TransactionId {
		return nil, status.Error(codes.InvalidArgument, "another transaction id")
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	kind, name := script(request.ChannelId)
	l := s.ledger(request.ChannelId)
	l.came[request.TransactionId]++
	code := peer.TxValidationCode_VALID
	lost := status.Error(codes.Unavailable, "insufficient number of orderers could successfully process transaction to satisfy quorum requirement")
	switch {
	case kind == "submit-fail":
		return nil, fail(ctx, name)
	case kind == "lost-answer" && l.came[request.TransactionId] == 1:
		l.commit(request.TransactionId, code, made.args)
		return nil, lost
	case kind == "lost-first" && l.came[request.TransactionId] == 1, kind == "lost-all":
		return nil, lost
	case kind == "other-orderer" && l.came[request.TransactionId] == 1:
		return nil, status.Error(codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=channel does not exist")
	case kind == "late" && !l.isTaking:
		return &gateway.SubmitResponse{}, nil
	case kind == "overtaken":
		code = peer.TxValidationCode_MVCC_READ_CONFLICT
	case kind == "policy":
		code = peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE
	case kind == "expired-chaincode":
		code = peer.TxValidationCode_EXPIRED_CHAINCODE
	}
	l.commit(request.TransactionId, code, made.args)
	return &gateway.SubmitResponse{}, nil
}

func (s *server) CommitStatus(ctx context.Context, signed *gateway.SignedCommitStatusRequest) (*gateway.CommitStatusResponse, error) {
	var request gateway.CommitStatusRequest
	if err := proto.Unmarshal(signed.Request, &request); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := verify(request.Identity, signed.Request, signed.Signature); err != nil {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	kind, name := script(request.ChannelId)
	if kind == "commit-fail" {
		return nil, fail(ctx, name)
	}
	if kind == "no-block" {
		return &gateway.CommitStatusResponse{}, nil
	}
	for {
		s.lock.Lock()
		l := s.ledger(request.ChannelId)
		done, changed := l.done[request.TransactionId], l.changed
		l.asked[request.TransactionId]++
		first := l.asked[request.TransactionId] == 1
		s.lock.Unlock()
		if done != nil && kind == "duplicate" && first {
			return &gateway.CommitStatusResponse{Result: peer.TxValidationCode_DUPLICATE_TXID, BlockNumber: done.block + 1}, nil
		}
		if done != nil {
			return &gateway.CommitStatusResponse{Result: done.code, BlockNumber: done.block}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
}

func (s *server) ChaincodeEvents(signed *gateway.SignedChaincodeEventsRequest, stream grpc.ServerStreamingServer[gateway.ChaincodeEventsResponse]) error {
	var request gateway.ChaincodeEventsRequest
	if err := proto.Unmarshal(signed.Request, &request); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if err := verify(request.Identity, signed.Request, signed.Signature); err != nil {
		return status.Error(codes.PermissionDenied, err.Error())
	}
	start, is := request.StartPosition.GetType().(*orderer.SeekPosition_Specified)
	if !is {
		return status.Error(codes.InvalidArgument, "no start")
	}
	kind, _ := script(request.ChannelId)
	for next := max(start.Specified.Number, 1); ; next++ {
		s.lock.Lock()
		l := s.ledger(request.ChannelId)
		for uint64(len(l.order)) < next {
			changed := l.changed
			s.lock.Unlock()
			select {
			case <-changed:
			case <-stream.Context().Done():
				return status.FromContextError(stream.Context().Err()).Err()
			}
			s.lock.Lock()
		}
		tx := l.order[next-1]
		done := l.done[tx]
		s.lock.Unlock()
		event := &peer.ChaincodeEvent{ChaincodeId: request.ChaincodeId, TxId: tx, EventName: "batch", Payload: done.args[len(done.args)-1]}
		block := done.block
		switch {
		case kind == "events-of-another":
			event.ChaincodeId = "other"
		case kind == "events-backwards" && next > 1:
			block = 1
		case kind == "events-end" && next > 1:
			return nil
		}
		if err := stream.Send(&gateway.ChaincodeEventsResponse{Events: []*peer.ChaincodeEvent{event}, BlockNumber: block}); err != nil {
			return err
		}
	}
}

func listen(s *server, options ...grpc.ServerOption) (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	all := grpc.NewServer(append(options, grpc.MaxRecvMsgSize(100<<20), grpc.MaxSendMsgSize(100<<20))...)
	gateway.RegisterGatewayServer(all, s)
	go func() { _ = all.Serve(listener) }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func writeFiles(dir string) error {
	files := map[string][]byte{"tlsca.pem": tlsCA.pem(), "tlsca-2.pem": namesakeOf(tlsCA).pem(), "ca-a.pem": caA.pem(), "ca-b.pem": caB.pem(), "tls-client.pem": tlsClient.pem(),
		"tls-client.key": tlsClient.keyPEM(), "p256/signcerts/cert.pem": client.pem(), "p256/keystore/key.pem": client.keyPEM(),
		"ed25519/signcerts/cert.pem": clientEd.pem(), "ed25519/keystore/key.pem": clientEd.keyPEM()}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func serve(dir string) error {
	if err := writeFiles(dir); err != nil {
		return err
	}
	s := &server{ledgers: map[string]*ledger{}}
	own, err := tls.X509KeyPair(tlsPeer.pem(), tlsPeer.keyPEM())
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(tlsCA.pem())
	plain, err := listen(s)
	if err != nil {
		return err
	}
	secure, err := listen(s, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{own}})))
	if err != nil {
		return err
	}
	mutual, err := listen(s, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})))
	if err != nil {
		return err
	}
	raw, err := serveRaw()
	if err != nil {
		return err
	}
	fmt.Println(plain, secure, mutual, raw)
	return nil
}
