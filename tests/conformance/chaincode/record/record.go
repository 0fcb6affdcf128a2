// Package record has what recorded batches look like (ledger-client/contract/CONTRACT.md, 7).
package record

import (
	"encoding/hex"
	"encoding/json"
)

// Hex is bytes that are written in hex.
type Hex []byte

// UnmarshalJSON reads them.
func (h *Hex) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	bytes, err := hex.DecodeString(s)
	*h = bytes
	return err
}

// MarshalJSON writes them.
func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(h)) }

// Certificate is what a host has verified.
type Certificate struct {
	Ref       Hex    `json:"ref"`
	Org       Hex    `json:"org"`
	Enrolment Hex    `json:"enrolment,omitempty"`
	Roles     uint16 `json:"roles"`
	NotAfter  uint64 `json:"not_after"`
	Alg       byte   `json:"key_alg"`
	Key       Hex    `json:"key"`
}

// Caller is who brought the batch.
type Caller struct {
	Host      int          `json:"host"`
	Net       Hex          `json:"net_id"`
	Submitter Hex          `json:"submitter_id"`
	Seen      int          `json:"seen"`
	Recorded  *Hex         `json:"recorded,omitempty"`
	Cert      *Certificate `json:"cert,omitempty"`
}

// Write is one of the writes that the contract must answer.
type Write struct {
	Kind     string `json:"kind"`
	Key      string `json:"key"`
	Value    *Hex   `json:"value"`
	SHA256   *Hex   `json:"sha256"`
	Versions uint64 `json:"versions"`
}

// Batch is one recorded batch.
type Batch struct {
	Name     string         `json:"name"`
	Now      uint64         `json:"now"`
	Caller   Caller         `json:"caller"`
	State    map[string]Hex `json:"state"`
	Batch    Hex            `json:"batch"`
	Expected struct {
		Outcome string  `json:"outcome"`
		Results Hex     `json:"results"`
		Refusal byte    `json:"refusal"`
		Writes  []Write `json:"writes"`
	} `json:"expected"`
}
