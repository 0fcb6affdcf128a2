package main

import (
	"errors"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"
)

// judge sets the code of each transaction, but for conflicts, which the ledger itself finds.
//
// Fabric 3.1 stops for good at a block in which a transaction that it cannot take apart stands in front of another one: the validator
// of later ones waits for what the odd one depends on, and nobody says that (extractDependenciesForTx returns early, or panics). So each odd
// one is judged alone, with a validator of its own, and the others beside one that is plain and without effect in its place.
func (c *chain) judge(block *common.Block) error {
	codes := map[int]byte{}
	among := &common.Block{Header: block.Header, Metadata: &common.BlockMetadata{}, Data: &common.BlockData{}}
	for i, data := range block.Data.Data {
		if protoutil.IsConfigBlock(block) || canBeTakenApart(data) {
			among.Data.Data = append(among.Data.Data, data)
			continue
		}
		alone := &common.Block{Header: block.Header, Metadata: &common.BlockMetadata{}, Data: &common.BlockData{Data: [][]byte{data}}}
		if err := c.newValidator().Validate(alone); err != nil {
			return err
		}
		if codes[i] = codesOf(alone)[0]; codes[i] == byte(peer.TxValidationCode_VALID) {
			codes[i] = byte(peer.TxValidationCode_INVALID_OTHER_REASON) // nothing that it asks for could be done
		}
		among.Data.Data = append(among.Data.Data, plain)
	}
	if err := c.validator.Validate(among); err != nil {
		return err
	}
	filter := codesOf(among)
	for i, code := range codes {
		filter[i] = code
	}
	block.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = filter
	return nil
}

// canBeTakenApart is whether all is there that Fabric's validator reads without looking.
func canBeTakenApart(data []byte) bool {
	envelope, err := protoutil.GetEnvelopeFromBlock(data)
	if err != nil {
		return false
	}
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return false
	}
	_, err = actionOf(payload)
	return err == nil
}

// plain is a transaction without a header, which is invalid and depends on nothing.
var plain = protoutil.MarshalOrPanic(&common.Envelope{Payload: protoutil.MarshalOrPanic(&common.Payload{
	Data: protoutil.MarshalOrPanic(&peer.Transaction{Actions: []*peer.TransactionAction{{
		Payload: protoutil.MarshalOrPanic(&peer.ChaincodeActionPayload{Action: &peer.ChaincodeEndorsedAction{
			ProposalResponsePayload: protoutil.MarshalOrPanic(&peer.ProposalResponsePayload{}),
		}}),
	}}}),
})})

// action is what a transaction of a contract consists of.
type action struct {
	header   []byte
	proposal []byte // ChaincodeProposalPayload
	endorsed *peer.ChaincodeEndorsedAction
	hash     []byte
	result   *peer.ChaincodeAction
}

func actionOf(payload *common.Payload) (*action, error) {
	transaction, err := protoutil.UnmarshalTransaction(payload.GetData())
	if err != nil {
		return nil, err
	}
	if len(transaction.Actions) != 1 || transaction.Actions[0] == nil {
		return nil, errOdd
	}
	carried, err := protoutil.UnmarshalChaincodeActionPayload(transaction.Actions[0].Payload)
	if err != nil {
		return nil, err
	}
	if carried.Action == nil {
		return nil, errOdd
	}
	response, err := protoutil.UnmarshalProposalResponsePayload(carried.Action.ProposalResponsePayload)
	if err != nil {
		return nil, err
	}
	result := &peer.ChaincodeAction{}
	if err := proto.Unmarshal(response.Extension, result); err != nil {
		return nil, err
	}
	return &action{transaction.Actions[0].Header, carried.ChaincodeProposalPayload, carried.Action, response.ProposalHash, result}, nil
}

var errOdd = errors.New("a transaction is not what Fabric makes")
