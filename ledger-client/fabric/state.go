package main

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer/etcdraft"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/policies"
	fabricpeer "github.com/hyperledger/fabric/core/peer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"
)

const certificatesMax = 200

type object = map[string]any

// state is the state of the channel (FORMAT.md).
func (b *backend) state(*http.Request) (any, error) {
	now := time.Now()
	height, _ := b.chain.served()
	head, err := b.chain.ledger.GetBlockByNumber(height - 1)
	if err != nil {
		return nil, err
	}
	config, err := fabricpeer.RetrievePersistedChannelConfig(b.chain.ledger)
	if err != nil {
		return nil, err
	}
	found := map[string]*x509.Certificate{"this host": b.who.certificate}
	organisations, err := organisationsIn(config, found)
	if err != nil {
		return nil, err
	}
	orderers, _ := b.chain.resources().OrdererConfig()
	consentersIn(orderers.ConsensusMetadata(), orderers.Consenters(), found)
	peers := []object{}
	for _, n := range b.nodes {
		peers = append(peers, n.state(found))
	}
	certificates := []object{}
	for _, of := range slices.SortedFunc(maps.Keys(found), func(x, y string) int {
		return cmp.Or(found[x].NotAfter.Compare(found[y].NotAfter), cmp.Compare(x, y))
	}) {
		certificates = append(certificates, object{"of": of, "days": daysOf(found[of], now)})
	}
	endorsement, alone := b.policies()
	return object{"channel": b.settings.channel, "contract": b.settings.chaincode, "genesis": b.chain.genesisHash(), "height": height, "head": headerHash(head),
		"time": timeOf(head), "organisations": organisations, "peers": peers, "certificates": certificates[:min(len(certificates), certificatesMax)],
		"identity": object{"msp": b.settings.msp, "certificate": string(b.who.identity.Credentials()), "days": daysOf(b.who.certificate, now)},
		"alone":    alone, "endorsement": endorsement, "sequence": b.chain.resources().ConfigtxValidator().Sequence(), "consensus": orderers.ConsensusType(),
		"reading": b.reading(height), "waiting": b.outbox.count(), "version": fabricVersion}, nil
}

func (n *node) state(found map[string]*x509.Certificate) object {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.certificate != nil {
		found["peer "+n.address] = n.certificate
	}
	return object{"msp": n.msp, "address": n.address, "height": n.height, "said": n.said, "heard": max(0, n.heard.Unix())}
}

func (b *backend) reading(height uint64) object {
	if s := b.reader.stopped(); s != nil {
		return object{"stopped": true, "block": s.block, "said": s.said, "words": s.words}
	}
	return object{"stopped": false, "block": height, "said": "", "words": []word{}}
}

func daysOf(c *x509.Certificate, now time.Time) int {
	left := c.NotAfter.Sub(now)
	days := int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return days
}

// timeOf is the greatest time in a block.
func timeOf(block *common.Block) (greatest int64) {
	for i := range block.Data.Data {
		envelope, err := protoutil.ExtractEnvelope(block, i)
		if err != nil {
			continue
		}
		if header, err := protoutil.ChannelHeader(envelope); err == nil {
			greatest = max(greatest, header.GetTimestamp().GetSeconds())
		}
	}
	return greatest
}

// organisationsIn lists those of the channel, and adds the certificates of all that it names. fabric-config would read them, but knows no MSP whose roles
// have no certificate of their own, as those of this network.
func organisationsIn(config *common.Config, found map[string]*x509.Certificate) ([]object, error) {
	list := []object{}
	groups := config.GetChannelGroup().GetGroups()
	for _, part := range []string{"Orderer", "Application"} {
		for _, name := range slices.Sorted(maps.Keys(groups[part].GetGroups())) {
			wrapped, known := &msp.MSPConfig{}, &msp.FabricMSPConfig{}
			if err := errors.Join(proto.Unmarshal(groups[part].Groups[name].Values[channelconfig.MSPKey].GetValue(), wrapped), proto.Unmarshal(wrapped.Config, known)); err != nil {
				return nil, err
			}
			addCertificates(name+" root", found, known.RootCerts...)
			addCertificates(name+" intermediate", found, known.IntermediateCerts...)
			addCertificates(name+" administrator", found, known.Admins...)
			addCertificates(name+" TLS root", found, slices.Concat(known.TlsRootCerts, known.TlsIntermediateCerts)...)
			if part == "Orderer" {
				continue
			}
			roots, revoked := []string{}, 0
			for _, root := range known.RootCerts {
				roots = append(roots, string(root))
			}
			for _, list := range known.RevocationList {
				if parsed, err := x509.ParseRevocationList(derOf(list)); err == nil {
					revoked += len(parsed.RevokedCertificateEntries)
				}
			}
			list = append(list, object{"msp": known.Name, "name": name, "roots": roots, "revoked": revoked})
		}
	}
	return list, nil
}

func derOf(text []byte) []byte {
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes
	}
	return text
}

func addCertificates(of string, found map[string]*x509.Certificate, texts ...[]byte) {
	for _, text := range texts {
		if c, err := x509.ParseCertificate(derOf(text)); err == nil {
			found[fmt.Sprintf("%s %s (%x)", of, c.Subject, c.SerialNumber)] = c
		}
	}
}

// consentersIn adds the certificates of orderers, by Raft or BFT.
func consentersIn(metadata []byte, consenters []*common.Consenter, found map[string]*x509.Certificate) {
	for _, o := range consenters {
		addCertificates(fmt.Sprintf("orderer %s:%d", o.Host, o.Port), found, o.ClientTlsCert, o.ServerTlsCert, o.Identity)
	}
	if raft := (&etcdraft.ConfigMetadata{}); len(consenters) == 0 && proto.Unmarshal(metadata, raft) == nil {
		for _, o := range raft.Consenters {
			addCertificates(fmt.Sprintf("orderer %s:%d", o.Host, o.Port), found, o.ClientTlsCert, o.ServerTlsCert)
		}
	}
}

// policies are that of the contract, and those that an organisation fulfils alone.
func (b *backend) policies() (endorsement string, alone []object) {
	manager, wanted := b.chain.Manager(""), &peer.ApplicationPolicy{}
	alone = []object{}
	look := func(name string, policy any) {
		if who := aloneIn(policy, b.chain.GetMSPIDs()); len(who) > 0 {
			alone = append(alone, object{"policy": name, "organisations": who})
		}
	}
	for _, name := range []string{"/Channel/Application/LifecycleEndorsement", "/Channel/Application/Admins", "/Channel/Orderer/Admins",
		"/Channel/Admins", policies.BlockValidation} {
		if policy, ok := manager.GetPolicy(name); ok {
			look(name, policy)
		}
	}
	if bytes, err := b.chain.endorsement(b.settings.chaincode); err != nil || proto.Unmarshal(bytes, wanted) != nil {
		return "", alone
	}
	endorsement = wanted.GetChannelConfigPolicyReference()
	if own := wanted.GetSignaturePolicy(); own != nil {
		endorsement = own.String()
		look("endorsement of "+b.settings.chaincode, own)
	} else if policy, ok := manager.GetPolicy(endorsement); ok {
		look("endorsement of "+b.settings.chaincode, policy)
	}
	return endorsement, alone
}

// aloneIn finds the organisations whose signatures are enough for a policy.
func aloneIn(policy any, organisations []string) (found []string) {
	rules, ok := policy.(*common.SignaturePolicyEnvelope)
	if converter, other := policy.(policies.Converter); other {
		converted, err := converter.Convert()
		rules, ok = converted, err == nil
	}
	for _, organisation := range organisations {
		if ok && suffices(rules.GetRule(), rules.GetIdentities(), organisation) {
			found = append(found, organisation)
		}
	}
	slices.Sort(found)
	return found
}

func suffices(rule *common.SignaturePolicy, principals []*msp.MSPPrincipal, organisation string) bool {
	if of := rule.GetNOutOf(); of != nil {
		fulfilled := int32(0)
		for _, each := range of.Rules {
			if suffices(each, principals, organisation) {
				fulfilled++
			}
		}
		return fulfilled >= of.N
	}
	if at := int(rule.GetSignedBy()); at < len(principals) {
		role := &msp.MSPRole{}
		return principals[at].GetPrincipalClassification() == msp.MSPPrincipal_ROLE && proto.Unmarshal(principals[at].GetPrincipal(), role) == nil &&
			role.MspIdentifier == organisation
	}
	return false
}
