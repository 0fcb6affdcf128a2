package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"os"

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

// member signs as the client of organisation 1, and speaks to its orderer.
type member struct {
	sign    identity.Sign
	creator []byte
	orderer orderer.AtomicBroadcastClient
}

func (n *network) member() *member {
	connection := must(grpc.NewClient("127.0.0.1:"+n.ports["orderer_1"], grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(n.roots(1), ""))))
	pair := must(tls.LoadX509KeyPair(n.file(1, "client/msp/signcerts/cert.pem"), n.file(1, "client/msp/keystore/key.pem")))
	certificate := must(os.ReadFile(n.file(1, "client/msp/signcerts/cert.pem")))
	return &member{must(identity.NewPrivateKeySign(pair.PrivateKey)), must(proto.Marshal(&msp.SerializedIdentity{Mspid: "Emr1MSP", IdBytes: certificate})),
		orderer.NewAtomicBroadcastClient(connection)}
}

func (m *member) envelope(kind common.HeaderType, data []byte) *common.Envelope {
	nonce := make([]byte, 24)
	rand.Read(nonce)
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
	m := t.network.member()
	m.order(m.envelope(common.HeaderType_ENDORSER_TRANSACTION, garbage))
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
	m, l, submitted := t.network.member(), letter("behind"), &gateway.SubmitRequest{}
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
