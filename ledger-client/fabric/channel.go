package main

import (
	"errors"
	"sync"

	"github.com/hyperledger/fabric-lib-go/bccsp"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/core/chaincode/lifecycle"
	fabricpeer "github.com/hyperledger/fabric/core/peer"
	"github.com/hyperledger/fabric/core/scc/lscc"
	"github.com/hyperledger/fabric/gossip/privdata"
	"github.com/hyperledger/fabric/msp"
	mspmgmt "github.com/hyperledger/fabric/msp/mgmt"
)

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
