/* A collection (`repo/gc`) of a node, which emrfs itself never asks for: blocks that no pin holds
 * are removed. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Has the node at ADDRESS ("unix:/PATH") collect, waits for the end, and returns whether it
 * removed anything.  NOW (of fake_node.py only): it does not wait for imports, as a node has to. */
bool node_collect(const char *address, bool now);

/* The same in a thread. */
typedef struct node_collection {
	pthread_t thread;
	const char *address;
} node_collection;

void node_collection_begin(node_collection *c, const char *address);
void node_collection_end(node_collection *c);
