package main

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
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

// stateAnswer is the state of the channel (FORMAT.md).
type stateAnswer struct {
	Channel       string        `json:"channel"`
	Contract      string        `json:"contract"`
	Genesis       string        `json:"genesis"`
	Height        uint64        `json:"height"`
	Head          string        `json:"head"`
	Time          int64         `json:"time"`
	Identity      identified    `json:"identity"`
	Organisations []organised   `json:"organisations"`
	Peers         []peerState   `json:"peers"`
	Certificates  []certificate `json:"certificates"`
	Alone         []alone       `json:"alone"`
	Endorsement   string        `json:"endorsement"`
	Sequence      uint64        `json:"sequence"`
	Consensus     string        `json:"consensus"`
	Reading       reading       `json:"reading"`
	Waiting       int           `json:"waiting"`
	Version       string        `json:"version"`
}

type identified struct {
	MSP         string `json:"msp"`
	Certificate string `json:"certificate"`
	Days        int    `json:"days"`
}

type organised struct {
	MSP     string   `json:"msp"`
	Name    string   `json:"name"`
	Roots   []string `json:"roots"`
	Revoked int      `json:"revoked"`
}

type peerState struct {
	MSP     string `json:"msp"`
	Address string `json:"address"`
	Heard   int64  `json:"heard"`
	Height  uint64 `json:"height"`
	Said    string `json:"said"`
}

type certificate struct {
	Of   string `json:"of"`
	Days int    `json:"days"`
}

type alone struct {
	Policy        string   `json:"policy"`
	Organisations []string `json:"organisations"`
}

type reading struct {
	Stopped bool `json:"stopped"`
	stop
}

func (b *backend) state() (*stateAnswer, error) {
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
	resources := b.chain.resources()
	orderers, _ := resources.OrdererConfig()
	a := &stateAnswer{Channel: b.settings.channel, Contract: b.settings.chaincode, Genesis: b.chain.genesisHash(), Height: height, Head: headerHash(head),
		Time: timeOf(head), Identity: identified{b.settings.msp, string(b.who.identity.Credentials()), daysOf(b.who.certificate, now)},
		Organisations: []organised{}, Peers: []peerState{}, Alone: []alone{}, Sequence: resources.ConfigtxValidator().Sequence(),
		Consensus: orderers.ConsensusType(), Waiting: b.outbox.count(), Version: fabricVersion}
	certificates := map[string]*x509.Certificate{"this host": b.who.certificate}
	if a.Organisations, err = organisationsIn(config, certificates); err != nil {
		return nil, err
	}
	consentersIn(orderers.ConsensusMetadata(), orderers.Consenters(), certificates)
	for _, n := range b.nodes {
		a.Peers = append(a.Peers, n.state(certificates))
	}
	for _, of := range slices.Sorted(maps.Keys(certificates)) {
		a.Certificates = append(a.Certificates, certificate{of, daysOf(certificates[of], now)})
	}
	slices.SortStableFunc(a.Certificates, func(x, y certificate) int { return cmp.Compare(x.Days, y.Days) })
	a.Certificates = a.Certificates[:min(len(a.Certificates), certificatesMax)]
	b.policies(a)
	a.Reading = b.reading(height, now)
	return a, nil
}

func (n *node) state(certificates map[string]*x509.Certificate) peerState {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.certificate != nil {
		certificates["peer "+n.address] = n.certificate
	}
	s := peerState{MSP: n.msp, Address: n.address, Height: n.height, Said: n.said}
	if !n.heard.IsZero() {
		s.Heard = n.heard.Unix()
	}
	return s
}

func (b *backend) reading(height uint64, now time.Time) reading {
	if stopped := b.reader.stopped(); stopped != nil {
		return reading{true, *stopped}
	}
	b.chain.mu.Lock()
	defer b.chain.mu.Unlock()
	r := reading{stop: stop{Block: height, Words: []word{}}}
	if since := b.chain.judging; !since.IsZero() && now.Sub(since) > time.Minute {
		r.Stopped, r.Said = true, fmt.Sprintf("block %d has been judged for %s", b.chain.height(), now.Sub(since).Round(time.Second))
	}
	return r
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
func organisationsIn(config *common.Config, found map[string]*x509.Certificate) ([]organised, error) {
	list := []organised{}
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
			o := organised{MSP: known.Name, Name: name, Roots: []string{}}
			for _, root := range known.RootCerts {
				o.Roots = append(o.Roots, string(root))
			}
			for _, list := range known.RevocationList {
				if revoked, err := x509.ParseRevocationList(derOf(list)); err == nil {
					o.Revoked += len(revoked.RevokedCertificateEntries)
				}
			}
			list = append(list, o)
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

// policies names those that an organisation fulfils alone.
func (b *backend) policies(a *stateAnswer) {
	manager := b.chain.Manager("")
	look := func(name string, policy any) {
		who, err := aloneIn(policy, b.chain.GetMSPIDs())
		if err == nil && len(who) > 0 {
			a.Alone = append(a.Alone, alone{name, who})
		}
	}
	for _, name := range []string{"/Channel/Application/LifecycleEndorsement", "/Channel/Application/Admins", "/Channel/Orderer/Admins",
		"/Channel/Admins", policies.BlockValidation} {
		if policy, ok := manager.GetPolicy(name); ok {
			look(name, policy)
		}
	}
	wanted := &peer.ApplicationPolicy{}
	if bytes, err := b.chain.endorsement(b.settings.chaincode); err != nil || proto.Unmarshal(bytes, wanted) != nil {
		return
	}
	a.Endorsement = wanted.GetChannelConfigPolicyReference()
	if own := wanted.GetSignaturePolicy(); own != nil {
		a.Endorsement = own.String()
		look("endorsement of "+b.settings.chaincode, own)
	} else if policy, ok := manager.GetPolicy(a.Endorsement); ok {
		look("endorsement of "+b.settings.chaincode, policy)
	}
}

// aloneIn finds the organisations whose signatures are enough for a policy.
func aloneIn(policy any, organisations []string) ([]string, error) {
	if converter, ok := policy.(policies.Converter); ok {
		converted, err := converter.Convert()
		if err != nil {
			return nil, err
		}
		policy = converted
	}
	rules, ok := policy.(*common.SignaturePolicyEnvelope)
	if !ok {
		return nil, fmt.Errorf("%T is no policy of signatures", policy)
	}
	var found []string
	for _, organisation := range organisations {
		if suffices(rules.GetRule(), rules.GetIdentities(), organisation) {
			found = append(found, organisation)
		}
	}
	slices.Sort(found)
	return found, nil
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
