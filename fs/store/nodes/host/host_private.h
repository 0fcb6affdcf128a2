/* This header has what the files of this folder share: the node, and how its answers are
 * written. */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "node/host.h"

#define HOST_DEPTH_MAX 16
#define HOST_BLOCK_WORK ((uint64_t)8 << 10) /* bytes: what it costs to look for a block */

struct emr_node {
	emr_node_options options;
	pthread_rwlock_t imports; /* held for reading by each import */
	atomic_uint_fast64_t dropped;
};

/* In whose name CALL pins. */
emr_id16 host_owner(const emr_serve_call *call);
/* WORDS are the answer. */
void host_text(emr_serve_call *call, const char *words);
/* One line of JSON, which this function drops; NULL: no memory. */
void host_say(emr_serve_call *call, json_t *line);
/* As Kubo says that it could not: 500, and a sentence. */
bool host_fail(emr_serve_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes that a CAR may have, either way. */
uint64_t host_car_max(const emr_node *node);

emr_status host_import_take(void *arg, emr_serve_call *call, emr_bytes piece);
bool host_import(void *arg, emr_serve_call *call);
void host_import_drop(void *arg, emr_serve_call *call);

bool host_gateway(void *arg, emr_serve_call *call);
emr_status host_gateway_more(void *arg, emr_serve_call *call);
void host_gateway_drop(void *arg, emr_serve_call *call);
