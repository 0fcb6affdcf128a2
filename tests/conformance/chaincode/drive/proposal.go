package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	channel  = "emrfs"
	contract = "emrfs"
)

// nobody is a creator of whom no organisation knows.
var nobody = creatorOf("Nobody", []byte("nobody"))

// creatorOf shows the certificate (DER) of a member of the organisation called name, as Fabric's clients do.
func creatorOf(name string, der []byte) []byte {
	return encoded(&msp.SerializedIdentity{Mspid: name, IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})})
}

func encoded(message proto.Message) []byte {
	bytes, err := proto.Marshal(message)
	if err != nil {
		panic(err) // a message that we made ourselves
	}
	return bytes
}

// propose makes the proposal of a call by creator, and its transaction id.
func propose(creator []byte, args [][]byte, transient map[string][]byte) (*peer.Proposal, string) {
	return proposeTo(contract, creator, time.Now(), args, transient)
}

func proposeTo(chaincode string, creator []byte, at time.Time, args [][]byte, transient map[string][]byte) (*peer.Proposal, string) {
	nonce := make([]byte, 24)
	if _, err := rand.Read(nonce); err != nil {
		panic(err)
	}
	hash := sha256.Sum256(append(append([]byte{}, nonce...), creator...))
	tx := hex.EncodeToString(hash[:])
	id := &peer.ChaincodeID{Name: chaincode}
	header := &common.Header{
		ChannelHeader: encoded(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), Timestamp: timestamppb.New(at),
			ChannelId: channel, TxId: tx, Extension: encoded(&peer.ChaincodeHeaderExtension{ChaincodeId: id})}),
		SignatureHeader: encoded(&common.SignatureHeader{Creator: creator, Nonce: nonce}),
	}
	input := encoded(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: id, Input: &peer.ChaincodeInput{Args: args}}})
	return &peer.Proposal{Header: encoded(header), Payload: encoded(&peer.ChaincodeProposalPayload{Input: input, TransientMap: transient})}, tx
}
