package main

// A whole network in one process: three organisations' peers with a gateway each, one orderer, and the contract as chaincode, run by
// three endorsers who must come to the same.  Blocks have Fabric's hashes, transactions its signatures; what was ordered is kept in a
// file, from which the state is made again after a restart.  A file in DIR/fault of one of these names makes it fail or lie:
//
//	once:           mvcc (the next transaction is overtaken), lost-answer (it is ordered, and Submit fails), lost (it is not, and Submit
//	                fails), no-status (CommitStatus fails), twice (ordered twice)
//	while it there: spoils (what is ordered meanwhile has lost all endorsements but the first, and peers take it), steals (it has the signature of
//	                another than its creator, and peers take it), silent-MSP (that organisation's peer says nothing of
//	                blocks under its signature), lag (the second peer sees no newer blocks), forgets (the first peer tells how many there are, and when it is asked
//	                for one behind the third it has three),
//	                goes-back (when the first peer is asked for one behind the fifth, it has three from then on),
//	                no-anchor (the channel's configuration names no anchor peer of the second organisation),
//	                mutual (who shows no certificate of TLS is not spoken to),
//	                forged (results in blocks are others), unsigned (a transaction's
//	                signature is another), unordered (no orderer has signed a block), peer-ordered (a peer has),
//	                stranger-ordered (the orderer of another CA has), outsider-ordered (that of an organisation that orders nothing),
//	                other-beginning (the same transactions stand in blocks behind another first one, which the orderer has signed),
//	                other-parts (the parts that are asked for are others),
//	                late-parts (private parts of what is ordered meanwhile come to no peer before the file goes), lost-parts (they never come),
//	                held-genesis, held-move (whoever has that function endorsed waits, and DIR/held says so), held-ordered (whoever
//	                has had something ordered waits for the answer, and DIR/held says so),
//	                held-beginning (whoever reads the first block behind the configuration waits,
//	                and DIR/held says so), unseen (nobody sees the blocks that are made meanwhile, and DIR/held says that
//	                somebody waits for one), slow-blocks (each block takes four seconds, and DIR/held says that somebody waits for one),
//	                odd-beginning (the first peer has another first block, and all others), first-named (its first block names one
//	                before it), narrow (the orderer takes nothing of more than narrowBytes), CALL-says-NAME (evaluate-says-clock:
//	                that call of every gateway fails by what failures.go has of that name), CALL-N-says-NAME (that of peer N)
//
// While fault/breaks-off is there, a stream of blocks ends behind the first one from the second on.
// DIR/streamed has the number of the block that was last sent in a stream, DIR/attested a line for each time that an organisation was asked what a block says.

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/gob"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	ledgercode "emrfs.invalid/chaincode"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	blockWait   = 40 * time.Millisecond
	majority    = 2
	networkName = "emrfs" // channel and chaincode
	memberMSP   = "OrgA"
	narrowBytes = 48 << 10
	slowBlock   = 4 * time.Second
)

// ordered is what the orderer has taken, as it is kept: private rows beside it, as peers have them.
type ordered struct {
	Envelope []byte
	Own      map[string][]byte
	IsForced bool // overtaken, whatever it has read
	IsLate   bool // its private rows come after its block
	IsTaken  bool // whoever has signed or endorsed it
}

type finished struct {
	code  peer.TxValidationCode
	block uint64
}

type channel struct {
	dir       string
	caFiles   map[string]string // of each MSP
	file      *os.File
	keep      *gob.Encoder
	endorsers []*person
	orderer   *person
	outsider  *person

	lock     sync.Mutex // what follows
	rows     map[string]row
	parts    map[string][]byte
	late     map[string][]byte // that are still on their way
	blocks   []*common.Block
	done     map[string]finished
	events   map[uint64][]*peer.ChaincodeEvent
	pending  map[string]map[string][]byte // private rows of what was endorsed
	queue    []ordered
	changed  chan struct{}
	frozen   uint64 // blocks that the second peer sees; 0: all
	attested string // organisations that were asked what a block says, a line for each time
}

// member is one organisation's peer with its gateway.
type member struct {
	gateway.UnimplementedGatewayServer
	peer.UnimplementedDeliverServer
	*channel
	number int
	forgot bool // what it had
}

const (
	forgottenFrom = 3
	goneBackFrom  = 5
)

func (c *channel) fault(name string) bool {
	_, err := os.Stat(filepath.Join(c.dir, "fault", name))
	return err == nil
}

func (c *channel) once(name string) bool {
	return os.Remove(filepath.Join(c.dir, "fault", name)) == nil
}

// tls wants a certificate of who calls while the fault "mutual" is there.
func (c *channel) tls(own tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(tlsCA.pem())
	open := &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: []string{"h2"}}
	mutual := open.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, pool
	open.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if c.fault("mutual") {
			return mutual, nil
		}
		return nil, nil
	}
	return open
}

// said is what CALL is to fail with.
func (m *member) said(call string) error {
	names, _ := filepath.Glob(filepath.Join(m.dir, "fault", call+"-says-*"))
	own, _ := filepath.Glob(filepath.Join(m.dir, "fault", fmt.Sprintf("%s-%d-says-*", call, m.number)))
	names = append(names, own...)
	if len(names) == 0 {
		return nil
	}
	_, name, _ := strings.Cut(filepath.Base(names[0]), "-says-")
	return fail(context.Background(), name)
}

// certificateOf is CREATOR's, and its MSP; nil: it is none.
func certificateOf(creator []byte) (*x509.Certificate, string) {
	var identity msp.SerializedIdentity
	if proto.Unmarshal(creator, &identity) != nil {
		return nil, ""
	}
	block, _ := pem.Decode(identity.IdBytes)
	if block == nil {
		return nil, ""
	}
	certificate, _ := x509.ParseCertificate(block.Bytes)
	return certificate, identity.Mspid
}

// hasEnded is asked before all else, of peers (core/handlers/auth/filter/expiration.go) and of orderers (orderer/common/msgprocessor/expiration.go).
func hasEnded(creator []byte) bool {
	certificate, _ := certificateOf(creator)
	return certificate != nil && time.Now().After(certificate.NotAfter)
}

// isMember is what the MSP asks: the unit "client", and a CA that the channel knows for it.
func (c *channel) isMember(creator []byte) bool {
	certificate, name := certificateOf(creator)
	known, err := os.ReadFile(c.caFiles[name])
	return err == nil && certificate != nil && isSigned(certificate, known) && slices.Contains(certificate.Subject.OrganizationalUnit, "client")
}

func isSigned(certificate *x509.Certificate, known []byte) bool {
	for root, rest := pem.Decode(known); root != nil; root, rest = pem.Decode(rest) {
		if ca, err := x509.ParseCertificate(root.Bytes); err == nil && certificate.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

func (m *member) propose(signed *peer.SignedProposal, name, tx string) (*call, error) {
	made, err := proposed(signed, name, tx)
	if err != nil {
		return nil, err
	}
	if hasEnded(made.signature.Creator) {
		return nil, fail(context.Background(), "expired")
	}
	if name != networkName || !m.isMember(made.signature.Creator) {
		return nil, status.Errorf(codes.FailedPrecondition, "access denied: channel [%s] creator org unknown, creator is malformed", name)
	}
	apart := time.Since(made.channel.Timestamp.AsTime())
	if apart > 15*time.Minute || apart < -15*time.Minute {
		return nil, status.Error(codes.Aborted, "due to incorrect timestamp")
	}
	return made, nil
}

// height is how many blocks this peer has.
func (m *member) height() uint64 {
	if m.forgot && (m.fault("forgets") || m.fault("goes-back")) {
		return forgottenFrom
	}
	unseen := m.fault("unseen")
	if !m.fault("lag") && !unseen {
		m.frozen = 0
	}
	if m.frozen == 0 || m.number != 2 && !unseen {
		return uint64(len(m.blocks))
	}
	return m.frozen
}

// ---- Reading ----

func (m *member) ask(args [][]byte) *peer.Response {
	switch string(args[0]) {
	case "GetChainInfo":
		return &peer.Response{Status: 200, Payload: encoded(&common.BlockchainInfo{Height: m.height()})}
	case "GetBlockByNumber":
		number, err := strconv.ParseUint(string(args[2]), 10, 64)
		m.forgot = m.fault("forgets") && (m.forgot || m.number == 1 && number >= forgottenFrom) ||
			m.fault("goes-back") && (m.forgot || m.number == 1 && number >= goneBackFrom)
		if err != nil || number >= m.height() {
			return &peer.Response{Status: 500, Message: "no such block"}
		}
		return &peer.Response{Status: 200, Payload: encoded(m.told(number))}
	}
	return &peer.Response{Status: 500, Message: "no such function"}
}

// signedBy is BLOCK with the signatures of ORDERERS and no others.
func signedBy(block *common.Block, orderers ...*person) *common.Block {
	block = proto.Clone(block).(*common.Block)
	metadata := &common.Metadata{Value: encoded(&common.OrdererBlockMetadata{LastConfig: &common.LastConfig{}})}
	for _, one := range orderers {
		header := encoded(&common.SignatureHeader{Creator: one.identity(), Nonce: hashed(block.Header.DataHash)[:24]})
		metadata.Signatures = append(metadata.Signatures, &common.MetadataSignature{SignatureHeader: header,
			Signature: one.sign(bytes.Join([][]byte{metadata.Value, header, headerBytes(block.Header)}, nil))})
	}
	block.Metadata.Metadata[common.BlockMetadataIndex_SIGNATURES] = encoded(metadata)
	return block
}

// configuration says who orders: the first organisation, by Raft.  EPOCH makes another one of it.
func configuration(epoch uint64) []byte {
	value := func(message proto.Message) *common.ConfigValue { return &common.ConfigValue{Value: encoded(message)} }
	organisation := &common.ConfigGroup{Values: map[string]*common.ConfigValue{
		"MSP": value(&msp.MSPConfig{Config: encoded(&msp.FabricMSPConfig{Name: memberMSP})})}}
	orderers := &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"first": organisation},
		Values: map[string]*common.ConfigValue{"ConsensusType": value(&orderer.ConsensusType{Type: "etcdraft"})}}
	config := &common.Config{ChannelGroup: &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"Orderer": orderers}}}
	return encoded(&common.Envelope{Payload: encoded(&common.Payload{Data: encoded(&common.ConfigEnvelope{Config: config}), Header: &common.Header{
		ChannelHeader: encoded(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: networkName, Epoch: epoch})}})})
}

// members says who are of the channel, and by which peer others find each: of the second organisation by none while the fault "no-anchor" is there.
func (m *member) members() []byte {
	value := func(message proto.Message) *common.ConfigValue { return &common.ConfigValue{Value: encoded(message)} }
	organisations := map[string]*common.ConfigGroup{}
	for _, name := range []string{memberMSP, "OrgB", "OrgC"} {
		values := map[string]*common.ConfigValue{"MSP": value(&msp.MSPConfig{Config: encoded(&msp.FabricMSPConfig{Name: name})})}
		if name != "OrgB" || !m.fault("no-anchor") {
			values["AnchorPeers"] = value(&peer.AnchorPeers{AnchorPeers: []*peer.AnchorPeer{{Host: "127.0.0.1", Port: 7051}}})
		}
		organisations["group of "+name] = &common.ConfigGroup{Values: values}
	}
	return encoded(&common.Config{ChannelGroup: &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"Application": {Groups: organisations}}}})
}

// told is a block as it is, or as a peer that lies has made it: everything that needs nobody's key fits.
func (m *member) told(number uint64) *common.Block {
	block := m.blocks[number]
	switch {
	case number == 0 && m.number == 1 && m.fault("odd-beginning"):
		return m.refounded(0)
	case number == 0 && m.number == 1 && m.fault("first-named"):
		return newBlock(0, hashed(nil), []byte{0}, configuration(0))
	case m.fault("unordered"):
		return signedBy(block)
	case m.fault("peer-ordered"):
		return signedBy(block, m.endorsers[0])
	case m.fault("stranger-ordered"):
		return signedBy(block, newAuthority("ca-stranger").orderer("orderer-stranger", memberMSP))
	case m.fault("outsider-ordered"):
		return signedBy(block, m.outsider)
	case m.fault("other-beginning"):
		return m.refounded(number)
	case !m.fault("forged") && !m.fault("unsigned"):
		return block
	}
	block = proto.Clone(block).(*common.Block)
	for i, data := range block.Data.Data {
		var envelope common.Envelope
		decode(data, &envelope)
		if m.fault("unsigned") {
			envelope.Signature = m.endorsers[0].sign(envelope.Payload)
		} else {
			envelope.Payload = forged(envelope.Payload)
		}
		block.Data.Data[i] = encoded(&envelope)
	}
	block.Header.DataHash = hashed(block.Data.Data...)
	return block
}

// refounded are the same transactions behind another beginning, and the orderer has signed their blocks.
func (c *channel) refounded(number uint64) *common.Block {
	block := newBlock(0, nil, []byte{0}, configuration(1))
	for _, known := range c.blocks[1 : number+1] {
		filter := known.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
		block = signedBy(newBlock(known.Header.Number, headerHash(block.Header), filter, known.Data.Data...), c.orderer)
	}
	return block
}

// forged says that what was applied was applied already.
func forged(payload []byte) []byte {
	return changedAction(payload, func(action *peer.ChaincodeEndorsedAction) {
		var answer peer.ProposalResponsePayload
		var done peer.ChaincodeAction
		decode(action.ProposalResponsePayload, &answer)
		decode(answer.Extension, &done)
		if done.Response != nil && len(done.Response.Payload) > 1 {
			done.Response.Payload[1] ^= 1
		}
		answer.Extension = encoded(&done)
		action.ProposalResponsePayload = encoded(&answer)
	})
}

func changedAction(payload []byte, change func(*peer.ChaincodeEndorsedAction)) []byte {
	var all common.Payload
	var transaction peer.Transaction
	var inner peer.ChaincodeActionPayload
	decode(payload, &all)
	decode(all.Data, &transaction)
	decode(transaction.Actions[0].Payload, &inner)
	change(inner.Action)
	transaction.Actions[0].Payload = encoded(&inner)
	all.Data = encoded(&transaction)
	return encoded(&all)
}

// hold lasts until the fault NAME is over, or nobody waits any more.
func (m *member) hold(ctx context.Context, name string) {
	for m.fault(name) && ctx.Err() == nil {
		_ = os.WriteFile(filepath.Join(m.dir, "held"), nil, 0o600)
		time.Sleep(blockWait)
	}
}

func (m *member) Evaluate(ctx context.Context, request *gateway.EvaluateRequest) (*gateway.EvaluateResponse, error) {
	made, err := m.propose(request.ProposedTransaction, request.ChannelId, request.TransactionId)
	if err == nil {
		err = m.said("evaluate")
	}
	if err != nil {
		return nil, err
	}
	if made.chaincode == "qscc" && string(made.args[0]) == "GetBlockByNumber" && string(made.args[2]) == "1" {
		m.hold(ctx, "held-beginning")
	}
	if made.chaincode == "qscc" && string(made.args[0]) == "GetBlockByNumber" && m.fault("slow-blocks") {
		_ = os.WriteFile(filepath.Join(m.dir, "held"), nil, 0o600)
		time.Sleep(slowBlock)
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if made.chaincode == "qscc" {
		return &gateway.EvaluateResponse{Result: m.ask(made.args)}, nil
	}
	if made.chaincode == "cscc" && string(made.args[0]) == "GetChannelConfig" && string(made.args[1]) == networkName {
		return &gateway.EvaluateResponse{Result: &peer.Response{Status: 200, Payload: m.members()}}, nil
	}
	m.bring()
	parts := m.parts
	if m.fault("other-parts") {
		parts = map[string][]byte{}
		for key, value := range m.parts {
			parts[key] = append([]byte("old"), value...)
		}
	}
	return &gateway.EvaluateResponse{Result: ledgercode.Chaincode{}.Invoke(newStub(m.rows, parts, made))}, nil
}

// ---- Endorsing ----

func (m *member) Endorse(ctx context.Context, request *gateway.EndorseRequest) (*gateway.EndorseResponse, error) {
	made, err := m.propose(request.ProposedTransaction, request.ChannelId, request.TransactionId)
	if err == nil {
		err = m.said("endorse")
	}
	if err != nil {
		return nil, err
	}
	m.hold(ctx, "held-"+string(made.args[0]))
	m.lock.Lock()
	defer m.lock.Unlock()
	if made.chaincode == "qscc" {
		return m.attest(made, request.EndorsingOrganizations)
	}
	var answer []byte
	for range m.endorsers {
		run := newStub(m.rows, m.parts, made)
		response := ledgercode.Chaincode{}.Invoke(run)
		if response.Status >= 400 {
			return nil, status.Errorf(codes.Aborted, "failed to endorse transaction: chaincode response %d, %s", response.Status, response.Message)
		}
		action := &peer.ChaincodeAction{Results: run.results(), Response: response, ChaincodeId: &peer.ChaincodeID{Name: made.chaincode, Version: "1"}}
		if run.event != nil {
			action.Events = encoded(run.event)
		}
		own := encoded(&peer.ProposalResponsePayload{ProposalHash: hashed(made.header.ChannelHeader, made.header.SignatureHeader, made.open()),
			Extension: encoded(action)})
		if answer != nil && !bytes.Equal(own, answer) {
			return nil, status.Error(codes.Aborted, "ProposalResponsePayloads do not match")
		}
		answer = own
		m.pending[made.channel.TxId] = run.own
	}
	payload := assemble(&made.header, made.header.SignatureHeader, made.open(), endorsed(answer, m.endorsers...))
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: payload}}, nil
}

// attest is what peers of ORGANISATIONS say of their own blocks, which no gateway can say for them.
func (m *member) attest(made *call, organisations []string) (*gateway.EndorseResponse, error) {
	number, err := strconv.ParseUint(string(made.args[2]), 10, 64)
	if err != nil || string(made.args[0]) != "GetBlockByNumber" || number >= uint64(len(m.blocks)) {
		return nil, status.Error(codes.Aborted, "failed to endorse transaction: chaincode response 500, no such block")
	}
	m.attested += strings.Join(organisations, "\n") + "\n"
	_ = os.WriteFile(filepath.Join(m.dir, "attested"), []byte(m.attested), 0o600)
	var peers []*person
	for _, one := range m.endorsers {
		if slices.Contains(organisations, one.mspID) && !m.fault("silent-"+one.mspID) {
			peers = append(peers, one)
		}
	}
	if len(peers) < len(organisations) {
		return nil, status.Error(codes.Unavailable, "failed to find any endorsing peers")
	}
	block := m.blocks[number]
	answer := encoded(&peer.ProposalResponsePayload{ProposalHash: hashed(made.header.ChannelHeader, made.header.SignatureHeader, made.open()),
		Extension: encoded(&peer.ChaincodeAction{Response: &peer.Response{Status: 200, Payload: encoded(block)}, ChaincodeId: &peer.ChaincodeID{Name: "qscc"}})})
	payload := assemble(&made.header, made.header.SignatureHeader, made.open(), endorsed(answer, peers...))
	return &gateway.EndorseResponse{PreparedTransaction: &common.Envelope{Payload: payload}}, nil
}

// ---- Blocks as a stream ----

// seeking is what ENVELOPE wants: core/peer and common/deliver of Fabric look at the same.
func (m *member) seeking(envelope *common.Envelope) (from, to uint64, code common.Status) {
	var payload common.Payload
	var channel common.ChannelHeader
	var signature common.SignatureHeader
	var seek orderer.SeekInfo
	err := errors.Join(proto.Unmarshal(envelope.Payload, &payload), proto.Unmarshal(payload.GetHeader().GetChannelHeader(), &channel),
		proto.Unmarshal(payload.GetHeader().GetSignatureHeader(), &signature), proto.Unmarshal(payload.Data, &seek))
	start, stop := seek.GetStart().GetSpecified(), seek.GetStop().GetSpecified()
	apart := time.Since(channel.GetTimestamp().AsTime())
	switch {
	case err != nil || start == nil || stop == nil || start.Number > stop.Number || channel.Type != int32(common.HeaderType_DELIVER_SEEK_INFO) ||
		seek.Behavior != orderer.SeekInfo_FAIL_IF_NOT_READY || apart > 15*time.Minute || apart < -15*time.Minute:
		return 0, 0, common.Status_BAD_REQUEST
	case channel.ChannelId != networkName:
		return 0, 0, common.Status_NOT_FOUND
	case hasEnded(signature.Creator) || !m.isMember(signature.Creator) || verify(signature.Creator, envelope.Payload, envelope.Signature) != nil:
		return 0, 0, common.Status_FORBIDDEN
	}
	return start.Number, stop.Number, common.Status_SUCCESS
}

// next is block NUMBER, or that there is none.
func (m *member) next(number uint64) *peer.DeliverResponse {
	m.lock.Lock()
	defer m.lock.Unlock()
	answer := m.ask([][]byte{[]byte("GetBlockByNumber"), nil, []byte(strconv.FormatUint(number, 10))})
	var block common.Block
	if answer.Status != 200 {
		return &peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: common.Status_NOT_FOUND}}
	}
	decode(answer.Payload, &block)
	return &peer.DeliverResponse{Type: &peer.DeliverResponse_Block{Block: &block}}
}

func (m *member) Deliver(stream grpc.BidiStreamingServer[common.Envelope, peer.DeliverResponse]) error {
	if err := m.said("deliver"); err != nil {
		return err
	}
	for {
		envelope, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		from, to, code := m.seeking(envelope)
		for number := from; code == common.Status_SUCCESS && number <= to; number++ {
			if number == 1 {
				m.hold(stream.Context(), "held-beginning")
			}
			if m.fault("slow-blocks") {
				_ = os.WriteFile(filepath.Join(m.dir, "held"), nil, 0o600)
				time.Sleep(slowBlock)
			}
			answer := m.next(number)
			if answer.GetBlock() == nil {
				code = answer.GetStatus()
				break
			}
			if err := stream.Send(answer); err != nil {
				return err
			}
			_ = os.WriteFile(filepath.Join(m.dir, "streamed"), []byte(strconv.FormatUint(number, 10)+"\n"), 0o600)
			if number > 1 && m.fault("breaks-off") {
				return status.Error(codes.Unavailable, "the peer ends")
			}
		}
		if err := stream.Send(&peer.DeliverResponse{Type: &peer.DeliverResponse_Status{Status: code}}); err != nil {
			return err
		}
	}
}

// ---- Ordering ----

func (m *member) Submit(ctx context.Context, request *gateway.SubmitRequest) (*gateway.SubmitResponse, error) {
	answer, err := m.order(request)
	m.hold(ctx, "held-ordered")
	return answer, err
}

func (m *member) order(request *gateway.SubmitRequest) (*gateway.SubmitResponse, error) {
	made, err := readEnvelope(request.PreparedTransaction)
	if err == nil && hasEnded(made.signature.Creator) {
		err = errors.New("broadcast client identity expired")
	}
	if err != nil || !m.isMember(made.signature.Creator) {
		return nil, status.Errorf(codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=%v", err)
	}
	if err := m.said("submit"); err != nil {
		return nil, err
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	lost := status.Error(codes.Unavailable, "insufficient number of orderers could successfully process transaction to satisfy quorum requirement")
	if m.once("lost") {
		return nil, lost
	}
	if size := proto.Size(request.PreparedTransaction); m.fault("narrow") && size > narrowBytes {
		return nil, status.Errorf(codes.Aborted, "received unsuccessful response from orderer: status=BAD_REQUEST, info=message payload is %d bytes and exceeds maximum allowed %d bytes",
			size, narrowBytes)
	}
	envelope := m.spoilt(request.PreparedTransaction)
	one := ordered{Envelope: encoded(envelope), Own: m.pending[made.channel.TxId], IsForced: m.once("mvcc"), IsTaken: envelope != request.PreparedTransaction}
	m.queue = append(m.queue, one)
	if m.once("twice") {
		m.queue = append(m.queue, one)
	}
	if m.once("lost-answer") {
		return nil, lost
	}
	return &gateway.SubmitResponse{}, nil
}

// spoilt is ENVELOPE, or what no honest member has ordered.
func (c *channel) spoilt(envelope *common.Envelope) *common.Envelope {
	switch {
	case c.fault("spoils"):
		return &common.Envelope{Signature: envelope.Signature, Payload: changedAction(envelope.Payload,
			func(action *peer.ChaincodeEndorsedAction) { action.Endorsements = action.Endorsements[:1] })}
	case c.fault("steals"):
		return &common.Envelope{Signature: c.endorsers[0].sign(envelope.Payload), Payload: envelope.Payload}
	}
	return envelope
}

// validate is what each peer does with a transaction of a block.
func (c *channel) validate(one ordered, version uint64) (string, peer.TxValidationCode, *peer.ChaincodeEvent) {
	var envelope common.Envelope
	var payload common.Payload
	var found results
	decode(one.Envelope, &envelope)
	made, err := readEnvelope(&envelope)
	if err != nil && !one.IsTaken {
		return "", peer.TxValidationCode_BAD_CREATOR_SIGNATURE, nil
	}
	tx := made.channel.TxId
	if _, is := c.done[tx]; is {
		return tx, peer.TxValidationCode_DUPLICATE_TXID, nil
	}
	decode(envelope.Payload, &payload)
	action := readAction(payload.Data)
	if !c.isEndorsed(action) && !one.IsTaken {
		return tx, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, nil
	}
	var answer peer.ProposalResponsePayload
	var said peer.ChaincodeAction
	decode(action.ProposalResponsePayload, &answer)
	if !one.IsTaken && !bytes.Equal(answer.ProposalHash, endorsedHash(&payload)) {
		return tx, peer.TxValidationCode_BAD_RESPONSE_PAYLOAD, nil
	}
	decode(answer.Extension, &said)
	if one.IsForced || json.Unmarshal(said.Results, &found) != nil {
		return tx, peer.TxValidationCode_MVCC_READ_CONFLICT, nil
	}
	own := one.Own
	if one.IsLate {
		own = nil
	}
	code := found.apply(c.rows, c.parts, own, version)
	if code == peer.TxValidationCode_VALID && one.IsLate {
		maps.Copy(c.late, one.Own)
	}
	if code != peer.TxValidationCode_VALID || len(said.Events) == 0 {
		return tx, code, nil
	}
	event := &peer.ChaincodeEvent{}
	decode(said.Events, event)
	return tx, code, event
}

func readAction(data []byte) *peer.ChaincodeEndorsedAction {
	var transaction peer.Transaction
	var inner peer.ChaincodeActionPayload
	decode(data, &transaction)
	decode(transaction.Actions[0].Payload, &inner)
	return inner.Action
}

// endorsedHash is what peers compare with what endorsers have signed (core/common/validation/msgvalidation.go): the action's own header counts.
func endorsedHash(payload *common.Payload) []byte {
	var transaction peer.Transaction
	var inner peer.ChaincodeActionPayload
	decode(payload.Data, &transaction)
	decode(transaction.Actions[0].Payload, &inner)
	return hashed(payload.Header.ChannelHeader, transaction.Actions[0].Header, inner.ChaincodeProposalPayload)
}

func (c *channel) isEndorsed(action *peer.ChaincodeEndorsedAction) bool {
	organisations := map[string]bool{}
	for _, one := range action.Endorsements {
		for _, known := range c.endorsers {
			if bytes.Equal(one.Endorser, known.identity()) &&
				verify(one.Endorser, append(append([]byte{}, action.ProposalResponsePayload...), one.Endorser...), one.Signature) == nil {
				organisations[known.mspID] = true
			}
		}
	}
	return len(organisations) >= majority
}

// cut makes a block of what has come; also of what was kept, after a restart.
func (c *channel) cut(transactions []ordered) {
	number := uint64(len(c.blocks))
	var previous []byte
	var data [][]byte
	var filter []byte
	if c.frozen == 0 && (c.fault("lag") || c.fault("unseen")) {
		c.frozen = number
	}
	if number > 0 {
		previous = headerHash(c.blocks[number-1].Header)
	}
	for i, one := range transactions {
		tx, code, event := c.validate(one, number<<16|uint64(i)+1)
		if code != peer.TxValidationCode_DUPLICATE_TXID {
			c.done[tx] = finished{code, number}
		}
		if event != nil {
			c.events[number] = append(c.events[number], event)
		}
		data, filter = append(data, one.Envelope), append(filter, byte(code))
	}
	c.blocks = append(c.blocks, signedBy(newBlock(number, previous, filter, data...), c.orderer))
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *channel) withhold(transactions []ordered) {
	for i := range transactions {
		transactions[i].IsLate = c.fault("late-parts")
		if c.fault("lost-parts") {
			transactions[i].Own = nil
		}
	}
}

// bring is what peers do among themselves for parts that did not come with their blocks.
func (c *channel) bring() {
	if c.fault("late-parts") {
		return
	}
	for key, value := range c.late {
		if bytes.Equal(c.rows[key].Value, hashed(value)) { // not purged meanwhile
			c.parts[key] = value
		}
	}
	clear(c.late)
}

func (c *channel) order() {
	for range time.Tick(blockWait) {
		c.lock.Lock()
		if len(c.queue) > 0 {
			c.withhold(c.queue)
			if err := c.keep.Encode(c.queue); err != nil {
				panic(err)
			}
			c.cut(c.queue)
			c.queue = nil
		}
		c.lock.Unlock()
	}
}

// ---- What became of it ----

func (m *member) CommitStatus(ctx context.Context, signed *gateway.SignedCommitStatusRequest) (*gateway.CommitStatusResponse, error) {
	var request gateway.CommitStatusRequest
	if err := proto.Unmarshal(signed.Request, &request); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := verify(request.Identity, signed.Request, signed.Signature); err != nil || !m.isMember(request.Identity) {
		return nil, status.Error(codes.PermissionDenied, "access denied")
	}
	if err := m.said("commit"); err != nil {
		return nil, err
	}
	for {
		m.lock.Lock()
		done, is := m.done[request.TransactionId]
		height, changed := m.height(), m.changed
		failing := is && m.once("no-status")
		m.lock.Unlock()
		if failing {
			return nil, status.Error(codes.Unavailable, "the peer goes away")
		}
		if is {
			m.hold(ctx, "unseen")
		}
		if is && done.block < height {
			return &gateway.CommitStatusResponse{Result: done.code, BlockNumber: done.block}, nil
		}
		if err := await(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// await ends with the next block, or a moment later, when a fault may be over.
func await(ctx context.Context, changed chan struct{}) error {
	select {
	case <-changed:
	case <-time.After(blockWait):
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
	return nil
}

func (m *member) ChaincodeEvents(signed *gateway.SignedChaincodeEventsRequest, stream grpc.ServerStreamingServer[gateway.ChaincodeEventsResponse]) error {
	var request gateway.ChaincodeEventsRequest
	if err := proto.Unmarshal(signed.Request, &request); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	start, is := request.StartPosition.GetType().(*orderer.SeekPosition_Specified)
	if err := verify(request.Identity, signed.Request, signed.Signature); err != nil || !is || !m.isMember(request.Identity) {
		return status.Error(codes.PermissionDenied, "access denied")
	}
	for next := start.Specified.Number; ; next++ {
		m.lock.Lock()
		for next >= m.height() {
			changed := m.changed
			m.lock.Unlock()
			if err := await(stream.Context(), changed); err != nil {
				return err
			}
			m.lock.Lock()
		}
		events := m.events[next]
		m.lock.Unlock()
		if len(events) == 0 {
			continue
		}
		if err := stream.Send(&gateway.ChaincodeEventsResponse{Events: events, BlockNumber: next}); err != nil {
			return err
		}
	}
}

// ---- Starting ----

func (c *channel) restore() error {
	file, err := os.OpenFile(filepath.Join(c.dir, "ordered"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	c.file = file
	// A channel begins with its configuration.
	c.blocks = append(c.blocks, newBlock(0, nil, []byte{0}, configuration(0)))
	read := gob.NewDecoder(file)
	var kept [][]ordered
	for {
		var block []ordered
		if err := read.Decode(&block); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		c.cut(block)
		kept = append(kept, block)
	}
	// A stream of gob has one beginning.
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	c.keep = gob.NewEncoder(file)
	for _, block := range kept {
		if err := c.keep.Encode(block); err != nil {
			return err
		}
	}
	return nil
}

// ports are the former ones, so that a restart is one.
func listenAgain(name string) (net.Listener, error) {
	address := "127.0.0.1:0"
	if kept, err := os.ReadFile(name); err == nil {
		address = strings.TrimSpace(string(kept))
	}
	listener, err := net.Listen("tcp", address)
	if err == nil {
		err = os.WriteFile(name, []byte(listener.Addr().String()), 0o600)
	}
	return listener, err
}

// network writes DIR/settings last: the lines of a network's file, with the gateways in the order in which this asks to be called.
func network(dir, caFile string, others []string) error {
	caC := newAuthority("ca-c")
	caFiles := map[string]string{memberMSP: caFile}
	for _, one := range others {
		name, file, _ := strings.Cut(one, "=")
		caFiles[name] = file
	}
	c := &channel{dir: dir, caFiles: caFiles, endorsers: []*person{peerA, peerB, caC.peer("peer-c", "OrgC")},
		orderer: caA.orderer("orderer-a", memberMSP), outsider: caB.orderer("orderer-b", "OrgB"), rows: map[string]row{},
		parts: map[string][]byte{}, late: map[string][]byte{}, done: map[string]finished{}, events: map[uint64][]*peer.ChaincodeEvent{},
		pending: map[string]map[string][]byte{}, changed: make(chan struct{})}
	if err := os.MkdirAll(filepath.Join(dir, "fault"), 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"tls-client.pem": tlsClient.pem(), "tls-client.key": tlsClient.keyPEM(), "tlsca.pem": tlsCA.pem(), "ca-a.pem": caA.pem(), "ca-b.pem": caB.pem(), "ca-c.pem": caC.pem()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := c.restore(); err != nil {
		return err
	}
	own, err := tls.X509KeyPair(tlsPeer.pem(), tlsPeer.keyPEM())
	if err != nil {
		return err
	}
	settings := fmt.Sprintf("kind = fabric\nmsp = %s\nchannel = %s\nchaincode = %s\n", memberMSP, networkName, networkName)
	for number := 1; number <= 3; number++ {
		listener, err := listenAgain(filepath.Join(dir, fmt.Sprintf("address-%d", number)))
		if err != nil {
			return err
		}
		all := grpc.NewServer(grpc.Creds(credentials.NewTLS(c.tls(own))), grpc.MaxRecvMsgSize(100<<20))
		one := &member{channel: c, number: number}
		gateway.RegisterGatewayServer(all, one)
		peer.RegisterDeliverServer(all, one)
		go func() { _ = all.Serve(listener) }()
		settings += fmt.Sprintf("gateway = https://%s %s/tlsca.pem\n", listener.Addr(), dir)
	}
	for _, name := range []string{"A", "B", "C"} {
		settings += fmt.Sprintf("organisation = Org%s %s/ca-%s.pem\n", name, dir, strings.ToLower(name))
	}
	settings += fmt.Sprintf("genesis = %x\n", headerHash(c.blocks[0].Header))
	go c.order()
	return os.WriteFile(filepath.Join(dir, "settings"), []byte(settings), 0o600)
}
