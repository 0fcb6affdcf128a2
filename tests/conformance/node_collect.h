/* A collection (`repo/gc`) of a node, which emrfs itself never asks for: blocks that no pin holds
 * are removed. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Has the node at EMR_NODE_RPC ("unix:/PATH") collect, waits for the end, and returns whether it
 * removed anything.  NOW (of fake_node.py only): it does not wait for imports, as a node has to. */
bool node_collect(bool now);
pthread_t node_collect_beside(void); /* in a thread */
