package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-gateway/pkg/client"
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

// member signs as the client of organisation 1, and speaks to the orderer of it.
type member struct {
	sign    identity.Sign
	creator []byte
	orderer orderer.AtomicBroadcastClient
	gateway *client.Gateway
}

func (n *network) member() *member {
	pair := n.identity(1)
	m := &member{sign: must(identity.NewPrivateKeySign(pair.PrivateKey.(crypto.PrivateKey)))}
	m.creator = must(proto.Marshal(&msp.SerializedIdentity{Mspid: "Emr1MSP", IdBytes: must(os.ReadFile(n.file(1, "client/msp/signcerts/cert.pem")))}))
	to := func(address string) *grpc.ClientConn {
		return must(grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: n.roots(1)}))))
	}
	m.orderer = orderer.NewAtomicBroadcastClient(to("127.0.0.1:" + n.ports["orderer_1"]))
	who := must(identity.NewX509Identity("Emr1MSP", must(x509.ParseCertificate(pair.Certificate[0]))))
	m.gateway = must(client.Connect(who, client.WithSign(m.sign), client.WithHash(hash.SHA256), client.WithClientConnection(to(n.peer(1)))))
	return m
}

func (m *member) envelope(kind common.HeaderType, data []byte) *common.Envelope {
	nonce := random(24)
	id := sha256.Sum256(append(bytes.Clone(nonce), m.creator...))
	payload := must(proto.Marshal(&common.Payload{Data: data, Header: &common.Header{
		ChannelHeader: must(proto.Marshal(&common.ChannelHeader{Type: int32(kind), Timestamp: timestamppb.Now(), ChannelId: "emrfs",
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

// ordered is a block as the orderer has it: with nobody's codes.
func (m *member) ordered(number uint64) *common.Block {
	at := &orderer.SeekPosition{Type: &orderer.SeekPosition_Specified{Specified: &orderer.SeekSpecified{Number: number}}}
	stream := must(m.orderer.Deliver(context.Background()))
	must(0, stream.Send(m.envelope(common.HeaderType_DELIVER_SEEK_INFO, must(proto.Marshal(&orderer.SeekInfo{Start: at, Stop: at})))))
	answer := must(stream.Recv())
	stream.CloseSend()
	return answer.GetBlock()
}

// garbage is the data of a transaction that no parser takes.
var garbage = []byte{0xff, 0xff, 0xff}

func (t *test) oddAlone() {
	height := t.one.height()
	seen := make(chan byte, 100) // which peer is read from is not known
	for _, p := range t.peers {
		p.set(block(func(b *common.Block) []*common.Block {
			if b.Header.Number == uint64(height) {
				seen <- b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER][0]
			}
			return []*common.Block{b}
		}))
	}
	t.network.member().order(t.network.member().envelope(common.HeaderType_ENDORSER_TRANSACTION, garbage))
	for t.one.height() <= height {
		t.one.ok(fmt.Sprintf("/v1/log?block=%d&wait=10", height), nil)
	}
	t.oddCode = <-seen
	t.enters(t.one, "behind-an-odd-one")
	said := must(os.ReadFile(t.one.dir + ".log"))
	if bytes.Contains(said, fmt.Appendf(nil, "other codes than were computed here\" block=%d ", height)) {
		fail("the code of the odd transaction is another one than the peers'")
	}
}

// oddFirst orders one in front of a good one. Fabric's peers stand still behind that, so played ones deliver what the orderer has.
func (t *test) oddFirst() {
	m := t.network.member()
	l := letter("behind")
	proposal := must(m.gateway.GetNetwork("emrfs").GetContract("emrfs").NewProposal("leave", client.WithBytesArguments(markOf(l)),
		client.WithTransient(l["transient"].(map[string][]byte))))
	prepared := &gateway.PreparedTransaction{}
	must(0, proto.Unmarshal(must(must(proposal.Endorse()).Bytes()), prepared))
	prepared.Envelope.Signature = must(m.sign(hash.SHA256(prepared.Envelope.Payload)))
	number := uint64(t.one.height())
	m.order(m.envelope(common.HeaderType_ENDORSER_TRANSACTION, garbage), prepared.Envelope)
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
	for t.one.height() <= int(number) {
		t.one.ok(fmt.Sprintf("/v1/log?block=%d&wait=10", number), nil)
	}
	expect("entries", t.one.effects("leave", markOf(l)), 1)
}
