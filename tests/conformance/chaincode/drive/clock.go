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
			args := [][]byte{[]byte("register"), make([]byte, 32), []byte("a batch")}
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
	return nil
}
