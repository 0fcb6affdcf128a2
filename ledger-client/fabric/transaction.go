package main

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/core/ledger/kvledger/txmgmt/rwsetutil"
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
	envelope, payload := &common.Envelope{}, &common.Payload{}
	if errors.Join(proto.Unmarshal(data, envelope), proto.Unmarshal(envelope.GetPayload(), payload)) != nil {
		return false
	}
	_, err := actionOf(payload)
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
	transaction, carried, response, result := &peer.Transaction{}, &peer.ChaincodeActionPayload{}, &peer.ProposalResponsePayload{}, &peer.ChaincodeAction{}
	if err := proto.Unmarshal(payload.GetData(), transaction); err != nil {
		return nil, err
	}
	if len(transaction.Actions) != 1 || transaction.Actions[0] == nil {
		return nil, errOdd
	}
	if err := errors.Join(proto.Unmarshal(transaction.Actions[0].GetPayload(), carried), proto.Unmarshal(carried.GetAction().GetProposalResponsePayload(), response),
		proto.Unmarshal(response.GetExtension(), result)); err != nil {
		return nil, err
	}
	if carried.Action == nil {
		return nil, errOdd
	}
	return &action{transaction.Actions[0].Header, carried.ChaincodeProposalPayload, carried.Action, response.ProposalHash, result}, nil
}

var errOdd = errors.New("a transaction is not what Fabric makes")

// ---- What the host reads ----

const (
	answerMax = 4 << 20 // bytes of arguments, about
	blocksMax = 2000    // that one answer looks at
)

// logAnswer is a stretch of the log, and where the next begins.
type logAnswer struct {
	Block        uint64   `json:"block"`
	Index        uint64   `json:"index"`
	Height       uint64   `json:"height"`
	Genesis      string   `json:"genesis"`
	Transactions []object `json:"transactions"`
}

// log answers the transactions of a contract from block BLOCK, transaction INDEX on.
func (c *chain) log(chaincode string, block, index uint64) (*logAnswer, error) {
	height, _ := c.served()
	answer := &logAnswer{Block: block, Index: index, Height: height, Genesis: c.genesisHash(), Transactions: []object{}}
	size := 0
	for looked := 0; answer.Block < height && looked < blocksMax && size < answerMax; looked++ {
		b, err := c.ledger.GetBlockByNumber(answer.Block)
		if err != nil {
			return nil, err
		}
		codes := codesOf(b)
		if len(codes) != len(b.Data.Data) {
			return nil, fmt.Errorf("block %d has %d codes for %d transactions", answer.Block, len(codes), len(b.Data.Data))
		}
		for ; answer.Index < uint64(len(codes)) && size < answerMax; answer.Index++ {
			data := b.Data.Data[answer.Index]
			found := loggedOf(data, chaincode)
			if found != nil && size > 0 && size+len(data) > answerMax {
				return answer, nil
			}
			if found != nil {
				found["block"], found["index"], found["validity"] = answer.Block, answer.Index, codes[answer.Index]
				answer.Transactions = append(answer.Transactions, found)
				size += len(data)
			}
		}
		if answer.Index >= uint64(len(codes)) {
			answer.Block, answer.Index = answer.Block+1, 0
		}
	}
	return answer, nil
}

// loggedOf reads a transaction; nil where it is none of this contract, or one that nobody can read. Endorsers run, and validators judge by,
// the contract's name in the header; the one beside the arguments proves nothing.
func loggedOf(data []byte, chaincode string) object {
	envelope, payload, header, of := &common.Envelope{}, &common.Payload{}, &common.ChannelHeader{}, &peer.ChaincodeHeaderExtension{}
	by, maker := &common.SignatureHeader{}, &msp.SerializedIdentity{}
	if errors.Join(proto.Unmarshal(data, envelope), proto.Unmarshal(envelope.GetPayload(), payload), proto.Unmarshal(payload.GetHeader().GetChannelHeader(), header),
		proto.Unmarshal(header.GetExtension(), of), proto.Unmarshal(payload.GetHeader().GetSignatureHeader(), by), proto.Unmarshal(by.GetCreator(), maker)) != nil ||
		common.HeaderType(header.Type) != common.HeaderType_ENDORSER_TRANSACTION {
		return nil
	}
	found, err := actionOf(payload)
	if err != nil {
		return nil
	}
	carried, called := &peer.ChaincodeProposalPayload{}, &peer.ChaincodeInvocationSpec{}
	err = errors.Join(proto.Unmarshal(found.proposal, carried), proto.Unmarshal(carried.GetInput(), called))
	args := called.GetChaincodeSpec().GetInput().GetArgs()
	writes, failed := hasWrites(found.result)
	if err != nil || failed != nil || len(args) == 0 || of.GetChaincodeId().GetName() != chaincode || found.result.GetChaincodeId().GetName() != chaincode {
		return nil
	}
	l := object{"id": header.TxId, "time": header.GetTimestamp().GetSeconds(), "nanos": header.GetTimestamp().GetNanos(), "function": string(args[0]), "args": args[1:],
		"writes": writes, "status": found.result.GetResponse().GetStatus(), "msp": maker.Mspid, "certificate": string(maker.IdBytes)}
	if answer := found.result.GetResponse().GetPayload(); len(answer) > 0 {
		l["answer"] = answer
	}
	if e := (&peer.ChaincodeEvent{}); len(found.result.GetEvents()) > 0 && proto.Unmarshal(found.result.Events, e) == nil {
		l["event"] = object{"name": e.EventName, "payload": e.Payload}
	}
	return l
}

// hasWrites is whether a result changes anything.
func hasWrites(result *peer.ChaincodeAction) (bool, error) {
	set := &rwsetutil.TxRwSet{}
	if err := set.FromProtoBytes(result.GetResults()); err != nil {
		return false, err
	}
	for _, namespace := range set.NsRwSets {
		if len(namespace.KvRwSet.GetWrites())+len(namespace.KvRwSet.GetMetadataWrites()) > 0 {
			return true, nil
		}
		for _, collection := range namespace.CollHashedRwSets {
			if len(collection.HashedRwSet.GetHashedWrites())+len(collection.HashedRwSet.GetMetadataWrites()) > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}
