package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/hyperledger/fabric-lib-go/bccsp"
	"github.com/hyperledger/fabric-lib-go/bccsp/sw"
	"github.com/hyperledger/fabric-lib-go/common/flogging"
	"github.com/hyperledger/fabric-lib-go/common/metrics/disabled"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/deliverclient"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/common/semaphore"
	"github.com/hyperledger/fabric/core/chaincode/lifecycle"
	"github.com/hyperledger/fabric/core/committer/txvalidator/plugin"
	txvalidator "github.com/hyperledger/fabric/core/committer/txvalidator/v20"
	vir "github.com/hyperledger/fabric/core/committer/txvalidator/v20/valinforetriever"
	validation "github.com/hyperledger/fabric/core/handlers/validation/api"
	"github.com/hyperledger/fabric/core/handlers/validation/builtin"
	"github.com/hyperledger/fabric/core/ledger"
	"github.com/hyperledger/fabric/core/ledger/kvledger"
	fabricpeer "github.com/hyperledger/fabric/core/peer"
	"github.com/hyperledger/fabric/core/policy"
	"github.com/hyperledger/fabric/core/scc/lscc"
	"github.com/hyperledger/fabric/gossip/privdata"
	"github.com/hyperledger/fabric/msp"
	mspmgmt "github.com/hyperledger/fabric/msp/mgmt"
	"github.com/hyperledger/fabric/protoutil"
)

// chain is Fabric's own ledger, opened outside a peer: blocks and state on the disk, its validators, its rules of what conflicts. A block
// goes in when the orderers' signatures are right, and is judged by this program alone. Private data is not kept, only its hashes.
//
// The last block may be one about which the peers do not agree yet: what is served ends at agreed.
type chain struct {
	*channel
	provider  *kvledger.Provider
	ledger    ledger.PeerLedger
	lifecycle *lifecycle.ValidatorCommitter
	validator *txvalidator.TxValidator
	orderers  *deliverclient.BlockVerificationAssistant

	mu      sync.Mutex
	agreed  uint64        // how many blocks are served
	changed chan struct{} // closed when there are more
}

// openChain opens the ledger in DIR. Where there is none, genesis gives block 0.
func openChain(dir, channelID string, genesis func() (*common.Block, error)) (*chain, error) {
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		return nil, err
	}
	c := &chain{channel: &channel{id: channelID, crypto: crypto}, changed: make(chan struct{})}
	c.lifecycle = newLifecycle(c.channel)
	c.provider, err = kvledger.NewProvider(&ledger.Initializer{
		DeployedChaincodeInfoProvider: c.lifecycle,
		MembershipInfoProvider:        c.channel,
		MetricsProvider:               &disabled.Provider{},
		HashProvider:                  crypto,
		CustomTxProcessors:            map[common.HeaderType]ledger.CustomTxProcessor{common.HeaderType_CONFIG: &fabricpeer.ConfigTxProcessor{}},
		Config: &ledger.Config{
			RootFSPath:        dir,
			StateDBConfig:     &ledger.StateDBConfig{StateDatabase: ledger.GoLevelDB, CouchDB: &ledger.CouchDBConfig{}},
			PrivateDataConfig: &ledger.PrivateDataConfig{MaxBatchSize: 5000, BatchesInterval: 1000, PurgeInterval: 100},
			HistoryDBConfig:   &ledger.HistoryDBConfig{},
			SnapshotsConfig:   &ledger.SnapshotsConfig{RootDir: filepath.Join(dir, "snapshots")},
		},
	})
	if err != nil {
		return nil, err
	}
	if exists, failed := c.provider.Exists(c.id); failed != nil {
		return nil, failed
	} else if exists {
		c.ledger, err = c.provider.Open(c.id)
	} else if block, failed := genesis(); failed != nil {
		return nil, failed
	} else {
		c.ledger, err = c.provider.CreateFromGenesisBlock(block)
	}
	if err != nil {
		return nil, err
	}
	config, err := fabricpeer.RetrievePersistedChannelConfig(c.ledger)
	if err != nil {
		return nil, err
	}
	if err := c.set(config); err != nil {
		return nil, err
	}
	c.validator = c.newValidator()
	c.agreed = max(c.height()-1, 1) // the settings name block 0
	return c, c.expectOrderers()
}

func (c *chain) close() {
	c.ledger.Close()
	c.provider.Close()
}

func (c *chain) newValidator() *txvalidator.TxValidator {
	return txvalidator.NewTxValidator(c.id, semaphore.New(2), c.channel, c.ledger,
		&vir.ValidationInfoRetrieveShim{New: c.lifecycle, Legacy: &lscc.SCC{}},
		&fabricpeer.CollectionInfoShim{CollectionAndLifecycleResources: c.lifecycle, ChannelID: c.id},
		plugin.MapBasedMapper(map[string]validation.PluginFactory{"vscc": &builtin.DefaultValidationFactory{}}),
		policies.PolicyManagerGetterFunc(c.Manager), c.crypto)
}

// expectOrderers sets which signatures the next block needs: those of the configuration that the last block names.
func (c *chain) expectOrderers() error {
	last, err := c.ledger.GetBlockByNumber(c.height() - 1)
	if err != nil {
		return err
	}
	at, err := protoutil.GetLastConfigIndexFromBlock(last)
	if err != nil {
		return err
	}
	config, err := c.ledger.GetBlockByNumber(at)
	if err != nil {
		return err
	}
	c.orderers, err = deliverclient.NewBlockVerificationAssistant(config, last, c.crypto, flogging.MustGetLogger("orderers"))
	return err
}

// height is how many blocks are here, the last of which may not be agreed.
func (c *chain) height() uint64 {
	info, err := c.ledger.GetBlockchainInfo()
	if err != nil {
		return 0
	}
	return info.Height
}

// take verifies a block, judges it and keeps it, and answers its codes. A peer's codes in it are thrown away.
func (c *chain) take(block *common.Block) ([]byte, error) {
	if err := c.verifyAndKeep(block); err != nil {
		return nil, errors.Join(fmt.Errorf("block %d: %w", block.GetHeader().GetNumber(), err), c.expectOrderers())
	}
	return codesOf(block), nil
}

func (c *chain) verifyAndKeep(block *common.Block) error {
	if err := c.orderers.VerifyBlock(block); err != nil {
		return err
	}
	block.Metadata.Metadata[common.BlockMetadataIndex_COMMIT_HASH] = nil
	if err := c.judge(block); err != nil {
		return err
	}
	none := &ledger.BlockAndPvtData{Block: block, PvtData: ledger.TxPvtDataMap{}, MissingPvtData: ledger.TxMissingPvtData{}}
	if err := c.ledger.CommitLegacy(none, &ledger.CommitOptions{}); err != nil || !protoutil.IsConfigBlock(block) {
		return err
	}
	return c.orderers.UpdateConfig(block)
}

func codesOf(block *common.Block) []byte {
	if metadata := block.GetMetadata().GetMetadata(); len(metadata) > int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) {
		return bytes.Clone(metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER])
	}
	return nil
}

// agree lets all blocks be served.
func (c *chain) agree() {
	height := c.height()
	c.mu.Lock()
	defer c.mu.Unlock()
	if height != c.agreed {
		c.agreed = height
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// served is how many blocks are served, and what is closed when there are more.
func (c *chain) served() (uint64, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agreed, c.changed
}

func (c *chain) genesisHash() string {
	block, err := c.ledger.GetBlockByNumber(0)
	if err != nil {
		return ""
	}
	return headerHash(block)
}

// isWhole is whether the data of a block is what its header names.
func isWhole(block *common.Block) bool {
	return block.GetHeader() != nil && block.GetData() != nil && bytes.Equal(block.Header.DataHash, protoutil.ComputeBlockDataHash(block.Data))
}

func headerHash(block *common.Block) string {
	return hex.EncodeToString(protoutil.BlockHeaderHash(block.Header))
}

// endorsement is the policy of the contract, as committed: a peer.ApplicationPolicy.
func (c *chain) endorsement(chaincode string) ([]byte, error) {
	query, err := c.ledger.NewQueryExecutor()
	if err != nil {
		return nil, err
	}
	defer query.Done()
	_, policy, err, invalid := c.lifecycle.ValidationInfo(c.id, chaincode, query)
	if err = errors.Join(err, invalid); err == nil && len(policy) == 0 {
		err = errors.New("the channel has no such contract")
	}
	return policy, err
}

// envelopeMax is how large an envelope the orderers take.
func (c *chain) envelopeMax() int {
	orderer, _ := c.resources().OrdererConfig() // channel.set took no configuration without one
	return int(orderer.BatchSize().AbsoluteMaxBytes)
}

// isEndorsed fails unless those who signed RESPONSE fulfil the policy of the contract as it stands here.
func (c *chain) isEndorsed(chaincode string, action *peer.ChaincodeEndorsedAction) error {
	wanted, err := c.endorsement(chaincode)
	if err != nil {
		return err
	}
	evaluator, err := policy.New(c.MSPManager(), c.id, policies.PolicyManagerGetterFunc(c.Manager))
	if err != nil {
		return err
	}
	var signed []*protoutil.SignedData
	for _, e := range action.GetEndorsements() {
		data := append(bytes.Clone(action.ProposalResponsePayload), e.GetEndorser()...)
		signed = append(signed, &protoutil.SignedData{Data: data, Identity: e.GetEndorser(), Signature: e.GetSignature()})
	}
	return evaluator.Evaluate(wanted, signed)
}

// partHashes has the hash of each private part, nil where there is none.
func (c *chain) partHashes(chaincode, collection string, keys []string) ([][]byte, error) {
	query, err := c.ledger.NewQueryExecutor()
	if err != nil {
		return nil, err
	}
	defer query.Done()
	hashes := make([][]byte, len(keys))
	for i, key := range keys {
		if hashes[i], err = query.GetPrivateDataHash(chaincode, collection, key); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// ---- The configuration in force ----

// channel is the configuration in force at the height that the chain has: Fabric's validators ask it who is who and which policy holds.
type channel struct {
	id     string
	crypto bccsp.BCCSP
	mu     sync.RWMutex
	bundle *channelconfig.Bundle
}

func (c *channel) set(config *common.Config) error {
	bundle, err := channelconfig.NewBundle(c.id, config, c.crypto)
	if err != nil {
		return err
	}
	application, ok := bundle.ApplicationConfig()
	if _, orders := bundle.OrdererConfig(); !ok || !orders {
		return errors.New("the configuration has no organisations or no orderers")
	}
	if err := errors.Join(application.Capabilities().Supported(), bundle.ChannelConfig().Capabilities().Supported()); err != nil {
		return err // a newer Fabric judges by rules that are not known here
	}
	mspmgmt.XXXSetMSPManager(c.id, bundle.MSPManager()) // Fabric looks for who signed a transaction there
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bundle = bundle
	return nil
}

// Apply takes a configuration transaction where the rules of the one before allow it.
func (c *channel) Apply(change *common.ConfigEnvelope) error {
	now := c.resources()
	if err := now.ConfigtxValidator().Validate(change); err != nil {
		return err
	}
	next, err := channelconfig.NewBundle(c.id, change.Config, c.crypto)
	if err != nil {
		return err
	}
	if err := now.ValidateNew(next); err != nil {
		return err
	}
	return c.set(change.Config)
}

func (c *channel) resources() *channelconfig.Bundle {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.bundle
}

func (c *channel) MSPManager() msp.MSPManager { return c.resources().MSPManager() }

// Capabilities says by which rules of the application transactions are judged; set has seen that there are some.
func (c *channel) Capabilities() channelconfig.ApplicationCapabilities {
	application, _ := c.resources().ApplicationConfig()
	return application.Capabilities()
}

// GetMSPIDs names the organisations.
func (c *channel) GetMSPIDs() []string {
	var ids []string
	application, _ := c.resources().ApplicationConfig()
	for _, org := range application.Organizations() {
		ids = append(ids, org.MSPID())
	}
	return ids
}

// GetStableChannelConfig is the configuration for those of Fabric's parts that ask by name.
func (c *channel) GetStableChannelConfig(string) channelconfig.Resources { return c.resources() }

// Manager has the policies.
func (c *channel) Manager(string) policies.Manager { return c.resources().PolicyManager() }

// AmMemberOf is asked by a ledger that would fetch private data: this one keeps hashes only.
func (c *channel) AmMemberOf(string, *peer.CollectionPolicyConfig) (bool, error) { return false, nil }

// MyImplicitCollectionName is that of no organisation.
func (c *channel) MyImplicitCollectionName() string { return "" }

// newLifecycle reads definitions of chaincodes, with their policies, from the ledger's state.
func newLifecycle(c *channel) *lifecycle.ValidatorCommitter {
	return &lifecycle.ValidatorCommitter{
		CoreConfig:                   &fabricpeer.Config{},
		PrivdataConfig:               &privdata.PrivdataConfig{},
		Resources:                    &lifecycle.Resources{Serializer: &lifecycle.Serializer{}, ChannelConfigSource: c},
		LegacyDeployedCCInfoProvider: &lscc.DeployedCCInfoProvider{},
	}
}
