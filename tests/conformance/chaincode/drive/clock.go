package main

// Here the chaincode is asked by whoever says another time than it is, as a client of a peer that believes every time.

import (
	"fmt"
	"strings"
	"time"
)

func clock(addresses []string) error {
	net, err := dialChaincodes(addresses)
	if err != nil {
		return err
	}
	const refused, begins = "due to incorrect timestamp", "this network has not begun"
	for apart, words := range map[time.Duration]string{0: begins, -10 * time.Minute: begins, 10 * time.Minute: begins,
		-20 * time.Minute: refused, 20 * time.Minute: refused, -24 * 400 * time.Hour: refused, 24 * 400 * time.Hour: refused} {
		for _, name := range []string{"register", "register with a CA"} {
			args := [][]byte{[]byte("register"), make([]byte, 32), make([]byte, 64), []byte("a batch")}
			if name != "register" {
				args = append(args, []byte("a CA"))
			}
			response, err := net.invokeAs(nobody, time.Now().Add(apart), args, nil)
			if err != nil {
				return fmt.Errorf("%s, %s from now: %w", name, apart, err)
			}
			if response.Status != 500 || !strings.Contains(response.Message, words) {
				return fmt.Errorf("%s, %s from now: %d %s", name, apart, response.Status, response.Message)
			}
		}
	}
	fmt.Println("a batch is judged at no other time than now")
	return padding(net)
}

// padding brings more than a batch or a letter, where blocks and orderers would carry it for whoever brings it.
func padding(net *wire) error {
	const refused = "beside what it is for"
	large := make([]byte, 10000)
	for _, one := range []struct {
		name, words string
		args        [][]byte
		creator     []byte
		transient   map[string][]byte
	}{
		{"parts", "the batch is not header and items", [][]byte{[]byte("register"), make([]byte, 32), make([]byte, 64), large}, nobody, map[string][]byte{"parts": large}},
		{"another entry", refused, [][]byte{[]byte("register"), make([]byte, 32), make([]byte, 64), {1}}, nobody, map[string][]byte{"other": large}},
		{"a letter with a batch", refused, [][]byte{[]byte("register"), make([]byte, 32), make([]byte, 64), {1}}, nobody, map[string][]byte{"letter": large}},
		{"a header", refused, [][]byte{[]byte("register"), make([]byte, 32), make([]byte, 64), {1}}, large, nil},
		{"parts with a letter", refused, [][]byte{[]byte("leave")}, nobody, map[string][]byte{"parts": large}},
	} {
		response, err := net.invokeAs(one.creator, time.Now(), one.args, one.transient)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		if response.Status != 500 || !strings.Contains(response.Message, one.words) {
			return fmt.Errorf("%s: %d %s", one.name, response.Status, response.Message)
		}
	}
	fmt.Println("a proposal carries what it is for")
	return nil
}
