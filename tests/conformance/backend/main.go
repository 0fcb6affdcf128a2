// backend_drive NETWORK BACKEND WORK [odd]: emrfs-fabric on a real network of examples/network/fabric. Each peer that it knows is one of this
// program in front of a real one, which holds messages, changes them, or adds some: so it is killed between each step, and lied to.
// SCENE runs those alone whose names have these words. With odd the last two run, too, for orderers by Raft:
// those of BFT take one envelope of a transaction id; and behind the last one the network's own peers stand still.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type scene struct {
	says string
	run  func()
}

func main() {
	defer func() {
		if failed := recover(); failed != nil {
			fmt.Fprintln(os.Stderr, "FAILED:", failed)
			os.Exit(1)
		}
	}()
	n := openNetwork(os.Args[1])
	t := &test{network: n, program: os.Args[2], work: os.Args[3], peers: []*played{n.play(1), n.play(2), n.play(3)}, member: n.member(1),
		blocks: map[uint64]*common.Block{}}
	t.one = n.backend(t.program, filepath.Join(t.work, "one"), 1, t.peers...)
	t.two = n.backend(t.program, filepath.Join(t.work, "two"), 2, t.peers[1], t.peers[2], t.peers[0])
	t.one.start()
	t.two.start()
	defer func() { t.one.kill(); t.two.kill() }()
	scenes := []scene{
		{"a killed backend goes on where it was, between each step", t.kills},
		{"one thing through two hosts at once is one entry", t.twoAtOnce},
		{"what is malformed, other or unknown is refused", t.refusals},
		{"nothing is signed but what was asked", t.otherSigned},
		{"no lie of a gateway is signed", t.lies},
		{"one organisation's refusal is none", t.aloneSaysNo},
		{"a peer with wrong codes is passed over while a majority has the right ones", t.fewWrongCodes},
		{"reading stops while a majority has other codes; handing in goes on", t.manyWrongCodes},
		{"blocks that were changed are taken from nobody", t.changedBlocks},
		{"blocks of another channel are taken from nobody", t.otherChannel},
		{"an empty message is no block", t.emptyAnswers},
		{"who keeps back blocks, envelopes and answers holds nothing up", t.keepsBack},
		{"a part that peers lost is told as lost, and given again", t.lostParts},
		{"what a certificate signed that counts no more is endorsed again", t.formerRoot},
		{"a transaction that nobody can parse has the code that peers give it", t.oddAlone},
		{"with every peer away the stores answer", t.peersAway},
		{"verify replays from block 0, and finds a changed byte", t.verifies},
	}
	if len(os.Args) > 4 {
		scenes = append(scenes, scene{"odd transactions have the codes that peers give them", t.oddEach}, scene{"a transaction that stops every peer stops no backend", t.oddFirst})
	}
	for _, scene := range scenes {
		if only := os.Getenv("SCENE"); only != "" && !strings.Contains(scene.says, only) {
			continue
		}
		fmt.Println("-", scene.says)
		scene.run()
		for _, p := range t.peers {
			p.set(nil)
		}
	}
}

type test struct {
	network       *network
	program, work string
	peers         []*played
	one, two      *backend
	member        *member
	blocks        map[uint64]*common.Block // as the orderer gave them
	oddCode       byte
}

// enters hands a letter in, and it becomes one entry.
func (t *test) enters(b *backend, id string) {
	l := letter(id)
	b.ok("/v1/transactions", l)
	t.entered(b, l)
}

func (t *test) entered(b *backend, l object) {
	ended := b.untilEnded(l["id"].(string))
	expect(fmt.Sprint("how it ended ", ended), fmt.Sprint(ended["state"], " ", ended["validity"]), "entered 0")
	b.follows(int(ended["block"].(float64)) + 1) // its newest block is served when a second peer has agreed to it
	expect("entries", t.effects(b, "leave", markOf(l)), 1)
}

func (t *test) kills() {
	own := t.peers[0]
	for i, at := range []struct {
		says, method string
		isAnswer     bool
	}{{"asked", endorses, false}, {"endorsed", endorses, true}, {"sent", submits, false}, {"taken", submits, true}, {"in a block", delivers, true}} {
		l := letter(fmt.Sprint("killed-", i))
		is := func([]byte) bool { return true }
		if at.method == delivers {
			is = func(message []byte) bool { return bytes.Contains(message, markOf(l)) }
		}
		came, letGo := own.hold(at.method, at.isAnswer, is)
		t.one.ok("/v1/transactions", l)
		first := <-came
		t.one.kill()
		letGo()
		again := make(chan []byte, 100)
		own.set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if method == submits && !isAnswer {
				again <- message
			}
			return [][]byte{message}, nil
		})
		t.one.start()
		t.one.ok("/v1/transactions", l) // the host hands in again what it has no answer for
		t.entered(t.one, l)
		if at.method == submits && !at.isAnswer {
			expect("the same bytes are sent again", hex.EncodeToString(<-again), hex.EncodeToString(first))
		}
		own.set(nil)
		fmt.Println("  killed when it was", at.says)
	}
	l := letter("killed-at-once")
	t.one.ok("/v1/transactions", l)
	t.one.kill()
	t.one.start()
	t.entered(t.one, l)
}

// twoAtOnce begins the network through two hosts: both are endorsed before either is sent, and the contract lets one begin.
func (t *test) twoAtOnce() {
	var vectors struct {
		Story struct{ Network struct{ Descriptor string } }
	}
	must(0, json.Unmarshal(must(os.ReadFile(os.Getenv("VECTORS")+"/ledger.json")), &vectors))
	descriptor := unhex(vectors.Story.Network.Descriptor)
	begin := object{"id": "begin", "function": "genesis", "args": [][]byte{descriptor}}
	one, goOne := t.peers[0].hold(submits, false, func([]byte) bool { return true })
	two, goTwo := t.peers[1].hold(submits, false, func([]byte) bool { return true })
	t.one.ok("/v1/transactions", begin)
	t.two.ok("/v1/transactions", begin)
	<-one
	<-two
	goOne()
	goTwo()
	ends := []string{t.one.untilEnded("begin")["state"].(string), t.two.untilEnded("begin")["state"].(string)}
	slices.Sort(ends)
	expect("the two ends", ends, []string{"entered", "refused"})
	expect("entries of one", t.effects(t.one, "genesis", descriptor), 1)
	t.two.follows(t.one.height())
	expect("entries of two", t.effects(t.two, "genesis", descriptor), 1)
}

func (t *test) refusals() {
	l := letter("once")
	t.one.ok("/v1/transactions", l)
	t.one.ok("/v1/transactions", l)
	t.entered(t.one, l)
	other := letter("once")
	for _, wrong := range []struct {
		path string
		body any
		code int
		word string
	}{
		{"/v1/transactions", other, 409, "other"},
		{"/v1/transactions", object{"id": "a/b", "function": "leave"}, 400, "malformed"},
		{"/v1/transactions", object{"id": "a", "function": "leave", "more": 1}, 400, "malformed"},
		{"/v1/transactions", object{"id": "a", "function": "leave", "args": []string{"?"}}, 400, "malformed"},
		{"/v1/transactions", object{"id": "a", "function": "leave", "args": [][]byte{make([]byte, 11<<20)}}, 413, "large"},
		{"/v1/transactions", object{"id": "a", "function": "leave", "args": [][]byte{make([]byte, 20<<20)}}, 413, "large"},
		{"/v1/transactions/nobody", nil, 404, "unknown"},
		{"/v1/log?block=100000", nil, 400, "malformed"},
		{"/v1/parts", object{"collection": "parts", "keys": make([]string, 300)}, 400, "malformed"},
		{"/v1/ask", object{"function": "nothing"}, 422, "refused"},
	} {
		code, answer := t.one.call(wrong.path, wrong.body)
		expect(fmt.Sprint(wrong.path, " ", answer), []any{code, answer["error"]}, []any{wrong.code, wrong.word})
	}
	full := letter("answered-before")
	secret := full["transient"].(map[string][]byte)["letter"]
	reply := letter("reply")
	reply["transient"] = map[string][]byte{"letter": append(append(bytes.Clone(secret[:16]), 2), "an answer"...)}
	t.one.ok("/v1/transactions", reply) // of one line: the letter comes behind its answer, and is refused
	t.one.ok("/v1/transactions", full)
	t.entered(t.one, reply)
	ended := t.one.untilEnded("answered-before")
	expect("a refusal", []any{ended["state"], ended["status"], ended["said"]}, []any{"refused", 409.0, "the invitation has its answer"})
	kept := t.one.ok("/v1/ask", object{"function": "left", "args": [][]byte{[]byte(hex.EncodeToString(secret[:16]) + "/2")}})
	expect("the letter", kept["answer"], text(append([]byte{0, 0, 0, 9}, "an answer"...)))
	t.one.ok("/v1/transactions", object{"id": "asks", "function": "rows", "args": [][]byte{[]byte("descriptor")}})
	expect("what writes nothing", t.one.untilEnded("asks")["state"], "answered")
	state := t.one.ok("/v1/state", nil)
	expect("who is in the channel", []int{len(state["organisations"].([]any)), len(state["peers"].([]any))}, []int{3, 3})
	expect("days of the certificate that ends first", state["certificates"].([]any)[0].(object)["days"], os.Getenv("DAYS"))
	none := t.one.ok("/v1/parts", object{"collection": "parts", "keys": []string{"p/x"}})
	expect("a part that nobody put there", fmt.Sprint(none), "map[complete:true parts:[map[]]]")
}

// otherSigned has the gateway of its organisation give back another transaction than the one that was asked for.
func (t *test) otherSigned() {
	var former []byte
	lied := make(chan bool, 100)
	sent := make(chan *gateway.SubmitRequest, 100)
	for i, p := range t.peers {
		p.set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if submitted := (&gateway.SubmitRequest{}); method == submits && !isAnswer {
				must(0, proto.Unmarshal(message, submitted))
				sent <- submitted
			}
			if method == endorses && isAnswer && i == 0 {
				if former != nil {
					message = former
					lied <- true
				}
				former = message
			}
			return [][]byte{message}, nil
		})
	}
	t.enters(t.one, "honest")
	t.enters(t.one, "lied-to")
	<-lied
	signed := map[string]string{}
	for len(sent) > 0 {
		s := <-sent
		payload, signature := string(s.PreparedTransaction.Payload), string(s.PreparedTransaction.Signature)
		if before := signed[payload]; before != "" && before != signature {
			fail("one transaction was signed for two")
		}
		signed[payload] = signature
	}
}

// lie gives the last transaction of each block another code.
func lie(b *common.Block) []*common.Block {
	if codes := b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]; len(codes) > 0 {
		codes[len(codes)-1] ^= 11
	}
	return []*common.Block{b}
}

func (t *test) fewWrongCodes() {
	t.peers[0].set(block(lie))
	t.one.kill()
	t.one.start()
	t.enters(t.one, "few")
}

func (t *test) manyWrongCodes() {
	t.peers[0].set(block(lie))
	t.peers[1].set(block(lie))
	l := letter("many")
	before := t.one.height()
	t.one.ok("/v1/transactions", l)
	for {
		reading := t.one.ok("/v1/state", nil)["reading"].(object)
		if reading["stopped"] == true && len(reading["words"].([]any)) == 3 {
			break
		}
		t.one.ok(fmt.Sprintf("/v1/log?block=%d&wait=1", t.one.height()), nil)
	}
	expect("what is served", t.one.height(), before)
	expect("meanwhile", t.one.ok("/v1/transactions/many", nil)["state"], "waiting")
	t.one.kill()
	t.one.start() // nothing says that the block was agreed
	l2 := letter("many-2")
	expect("handing in", t.one.ok("/v1/transactions", l2)["state"], "waiting")
	t.peers[1].set(nil)
	t.entered(t.one, l)
	t.entered(t.one, l2)
}

// changedBlocks changes the content, and then the orderers' signatures, of what the first peer delivers.
func (t *test) changedBlocks() {
	for i, change := range []func(*common.Block){
		func(b *common.Block) { b.Data.Data[0][len(b.Data.Data[0])-1] ^= 1 },
		func(b *common.Block) { b.Header.DataHash[0] ^= 1 },
		func(b *common.Block) { b.Metadata.Metadata[0] = nil },
		func(b *common.Block) { b.Metadata = nil },
		func(b *common.Block) { b.Header.Number += 2 },
		func(b *common.Block) { b.Header, b.Data = nil, nil },
	} {
		changed := make(chan bool, 1000)
		t.peers[1].set(block(func(b *common.Block) []*common.Block {
			change(b)
			changed <- true
			return []*common.Block{b}
		}))
		t.two.kill()
		t.two.start()
		t.enters(t.two, fmt.Sprint("changed-", i))
		<-changed
	}
}

func (t *test) peersAway() {
	before := t.one.height()
	for _, p := range t.peers {
		p.set(away)
	}
	t.one.end(syscall.SIGTERM)
	t.one.start()
	if height := t.one.height(); height < before-1 { // whether the peers agree about the last block is asked again
		fail("of %d blocks %d are served", before, height)
	}
	l := letter("away")
	t.one.ok("/v1/transactions", l)
	t.one.kill()
	t.one.start()
	expect("kept", t.one.ok("/v1/transactions/away", nil)["state"], "waiting")
	code, answer := t.one.call("/v1/ask", object{"function": "left"})
	expect("asking", []any{code, answer["error"]}, []any{503, "offline"})
	for _, p := range t.peers {
		p.set(nil)
	}
	t.entered(t.one, l)
}

func (t *test) verifies() {
	l := letter("to-find")
	t.one.ok("/v1/transactions", l)
	t.entered(t.one, l)
	t.one.end(syscall.SIGTERM)
	defer t.one.start()
	out, err := exec.Command(t.program, "verify", t.one.dir).CombinedOutput()
	if err != nil {
		fail("verify: %v: %s", err, out)
	}
	for _, mark := range [][]byte{markOf(l), []byte("hospital-b")} { // the latter stands in block 0 first
		changed := filepath.Join(t.work, "changed")
		must(0, os.CopyFS(changed, os.DirFS(t.one.dir)))
		must(0, os.Chmod(changed, 0o700))
		blocks := must(filepath.Glob(changed + "/chain/chains/chains/*/blockfile_000000"))[0]
		content := must(os.ReadFile(blocks))
		content[bytes.Index(content, mark)] ^= 1
		must(0, os.WriteFile(blocks, content, 0o600))
		found := exec.Command(t.program, "verify", changed)
		out, _ = found.CombinedOutput()
		expect(string(out), found.ProcessState.ExitCode(), 1)
		must(0, os.RemoveAll(changed))
	}
}

// formerRoot has a transaction signed, which no peer passes on until the channel takes nothing more from its maker.
func (t *test) formerRoot() {
	l, kept := letter("former-root"), make(chan bool, 1)
	for _, p := range t.peers {
		p.set(func(method string, isAnswer bool, message []byte) ([][]byte, error) {
			if method == submits && !isAnswer {
				select {
				case kept <- true:
				default:
				}
				return away(method, isAnswer, message)
			}
			return [][]byte{message}, nil
		})
	}
	t.one.ok("/v1/transactions", l)
	<-kept
	for _, verb := range []string{"root", "renew", "distrust"} {
		if out, err := exec.Command(os.Getenv("NETWORK"), verb, "1", t.network.dir).CombinedOutput(); err != nil {
			fail("%s: %v: %s", verb, err, out)
		}
	}
	t.one.kill()
	t.one.start()
	t.member = t.network.member(1)
	for _, p := range t.peers {
		p.set(nil)
	}
	t.entered(t.one, l)
}

// ---- Odd transactions ----

// member signs as the client of an organisation, and speaks to the first orderer.
type member struct {
	sign    identity.Sign
	creator []byte
	orderer orderer.AtomicBroadcastClient
}

func (n *network) member(org int) *member {
	connection := must(grpc.NewClient("127.0.0.1:"+n.ports["orderer_1"], grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(n.roots(1), ""))))
	pair := must(tls.LoadX509KeyPair(n.file(org, "client/msp/signcerts/cert.pem"), n.file(org, "client/msp/keystore/key.pem")))
	certificate := must(os.ReadFile(n.file(org, "client/msp/signcerts/cert.pem")))
	return &member{must(identity.NewPrivateKeySign(pair.PrivateKey)), must(proto.Marshal(&msp.SerializedIdentity{Mspid: fmt.Sprintf("Emr%dMSP", org), IdBytes: certificate})),
		orderer.NewAtomicBroadcastClient(connection)}
}

func (m *member) envelope(kind common.HeaderType, data []byte) *common.Envelope {
	return m.envelopeOf("emrfs", kind, data)
}

func (m *member) envelopeOf(channel string, kind common.HeaderType, data []byte) *common.Envelope {
	nonce := make([]byte, 24)
	rand.Read(nonce)
	id := sha256.Sum256(append(bytes.Clone(nonce), m.creator...))
	payload := must(proto.Marshal(&common.Payload{Data: data, Header: &common.Header{
		ChannelHeader: must(proto.Marshal(&common.ChannelHeader{Type: int32(kind), Timestamp: timestamppb.Now(), ChannelId: channel,
			TxId: hex.EncodeToString(id[:])})),
		SignatureHeader: must(proto.Marshal(&common.SignatureHeader{Creator: m.creator, Nonce: nonce})),
	}}))
	return &common.Envelope{Payload: payload, Signature: must(m.sign(hash.SHA256(payload)))}
}

// order gives envelopes to the orderer, one right behind the other.
func (m *member) order(envelopes ...*common.Envelope) {
	stream := must(m.orderer.Broadcast(context.Background()))
	for _, e := range envelopes {
		must(0, stream.Send(e))
	}
	for range envelopes {
		expect("the orderer", must(stream.Recv()).Status, common.Status_SUCCESS)
	}
	stream.CloseSend()
}

// ordered is a block as the orderer has it: with nobody's codes. It waits for it.
func (m *member) ordered(number uint64) *common.Block { return m.orderedOf("emrfs", number) }

func (m *member) orderedOf(channel string, number uint64) *common.Block {
	at := &orderer.SeekPosition{Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: number}}}
	stream := must(m.orderer.Deliver(context.Background()))
	must(0, stream.Send(m.envelopeOf(channel, common.HeaderType_DELIVER_SEEK_INFO, must(proto.Marshal(&orderer.SeekInfo{Start: at, Stop: at})))))
	answer := must(stream.Recv())
	stream.CloseSend()
	return answer.GetBlock()
}

// garbage is the data of a transaction that no parser takes.
var garbage = []byte{0xff, 0xff, 0xff}

func (t *test) oddAlone() {
	height := max(t.one.height(), t.two.height()) // either was the last to enter something
	t.one.follows(height)
	seen := make(chan byte, 100) // which peer is read from is not known
	for _, p := range t.peers {
		p.set(block(func(b *common.Block) []*common.Block {
			if b.Header.Number == uint64(height) {
				seen <- b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER][0]
			}
			return []*common.Block{b}
		}))
	}
	m := t.member
	m.order(m.envelope(common.HeaderType_ENDORSER_TRANSACTION, garbage))
	t.one.follows(height + 1)
	t.oddCode = <-seen
	t.enters(t.one, "behind-an-odd-one")
	t.agrees(height)
}

// oddFirst orders one in front of a good one. Fabric's peers stand still behind that, so played ones deliver what the orderer has.
func (t *test) oddFirst() {
	m, l, submitted := t.member, letter("behind"), &gateway.SubmitRequest{}
	came, letGo := t.peers[0].hold(submits, false, func([]byte) bool { return true })
	defer letGo()
	t.one.ok("/v1/transactions", l)
	must(0, proto.Unmarshal(<-came, submitted))
	number := uint64(t.one.height())
	m.order(m.envelope(common.HeaderType_ENDORSER_TRANSACTION, garbage), submitted.PreparedTransaction)
	odd := m.ordered(number)
	expect("transactions in the block", len(odd.Data.Data), 2)
	odd.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = []byte{t.oddCode, 0}
	for _, p := range t.peers {
		p.set(block(func(b *common.Block) []*common.Block {
			if b.Header.Number == number-1 {
				return []*common.Block{b, odd}
			}
			return []*common.Block{b}
		}))
	}
	t.one.kill()
	t.one.start()
	t.entered(t.one, l)
}
