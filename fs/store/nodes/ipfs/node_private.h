/* This header declares what the files of the client share: a node, one running call, and one HTTP
 * request of it. It refuses redirects, proxies of the environment, and answers that are longer
 * than asked for. */
#pragma once

#include <pthread.h>

#include "http/curl.h"
#include "ipfs/cluster.h"
#include "ipfs/node.h"

#define NODE_IDLE_MAX 16 /* as many as fetch at a time (ipfs/copies.h) */

/* A connection with what drives it. */
typedef struct node_line {
	CURLM *multi;
	CURL *easy;
} node_line;

struct emr_ipfs {
	emr_ipfs_kind kind;
	char *address;
	char *base;   /* URL in front of "/api/v0" or "/ipfs" */
	char *socket; /* path, or NULL */
	char *ca_file;
	char *pin;
	emr_status (*token_of)(void *arg, emr_bytes root, char *out, size_t size);
	void (*place_of)(void *arg, char url[256], char socket[256], char pin[64]);
	void (*token_free)(void *arg);
	void *token_arg;
	char *agent;
	char *login;		    /* USER:PASSWORD, or NULL */
	struct emr_ipfs *cluster;   /* ours, or NULL */
	unsigned copies;	    /* of it */
	struct curl_slist *headers; /* of every request */
	pthread_mutex_t lock;	    /* of what follows */
	char store[33];
	node_line idle[NODE_IDLE_MAX];
	size_t idle_count;
};

/* One call of node.h, which may make several requests in its time. */
typedef struct node_run {
	emr_ipfs *node;
	emr_ipfs_call *call;
	int64_t deadline_ns; /* of CLOCK_BOOTTIME */
	int64_t moved_ns;    /* when the answer last got on; as whoever takes it says */
	emr_bytes root;	     /* that the node is to let go of; else empty */
} node_run;

node_run node_run_begin(emr_ipfs *node, emr_ipfs_call *call);
uint32_t node_run_left_ms(const node_run *run); /* at least 1 */
void node_run_moved(node_run *run);
/* Sets fault and what was said (NULL: leaves it), and returns the fault's status. */
emr_status node_run_fail(node_run *run, emr_ipfs_fault fault, const char *said);
/* Our own side failed: returns STATUS. */
emr_status node_run_fail_here(node_run *run, emr_status status);

typedef struct node_request {
	bool is_get; /* no body */
	bool is_delete;
	bool is_list;	  /* of any number of lines, also of none */
	const char *path; /* behind the node's base, "/api/v0/..." */
	const char *accept;
	/* A multipart body of one file.  *out_n 0 at its end.  NULL: no body. */
	emr_status (*read)(void *read_arg, void *buffer, size_t size, size_t *out_n);
	void *read_arg;
	_Atomic uint64_t *sent; /* of the body, to the line; NULL: nobody asks */
	uint32_t still_ms; /* an answer that does not get on for so long is ended; 0: it has all
			    * the time of the call */
	size_t most; /* bytes of an answer with status 200; 0: TAKE ends one that is too long */
	/* Of an answer with status 200, as it comes.  Not EMR_OK: it ends with it. */
	emr_status (*take)(void *arg, emr_bytes piece);
	void *arg;
} node_request;

/* EMR_OK: status 200, a whole answer as far as HTTP can tell, and no error behind it. */
emr_status node_http(node_run *run, const node_request *request);

/* ---- Answers (answers.c) ---- */

#define ANSWER_LINE_MAX ((size_t)64 << 10)

/* The fault that an error of a Kubo means: MESSAGE is its own words. */
emr_ipfs_fault answer_error_fault(const char *message, size_t len);
/* From the body of a status that is not 200; fills SAID. */
emr_ipfs_fault answer_fault(emr_ipfs_kind kind, long status, emr_bytes body, char *said);
/* One line of printable characters into SAID (EMR_IPFS_SAID_BYTES). */
void answer_say(char *said, const char *text, size_t len);

/* JSON objects, one behind the other, cut at any place. */
typedef struct answer_lines {
	emr_buf rest;
	size_t count; /* of whole lines */
} answer_lines;

struct json_t;
/* Not EMR_OK ends it. */
typedef emr_status (*answer_line_fn)(void *arg, struct json_t *line);
/* EMR_UNSUPPORTED: no JSON object, or an error, or a line that is too long. */
emr_status answer_lines_take(answer_lines *lines, emr_bytes piece, answer_line_fn take, void *arg);
/* Gives the text that is left behind the last line feed. */
emr_status answer_lines_end(answer_lines *lines, answer_line_fn take, void *arg);

/* The answer to a push: each root once and pinned, then how many blocks. */
typedef struct answer_import {
	const emr_cid **sorted; /* the roots that were sent */
	bool *seen;
	size_t count, seen_count;
	bool has_stats;
	uint64_t blocks;
	char said[EMR_IPFS_SAID_BYTES];
	emr_ipfs_fault fault;
} answer_import;
emr_status answer_import_begin(answer_import *import, const emr_cid *roots, size_t count);
emr_status answer_import_line(void *import, struct json_t *line);
/* EMR_IPFS_FINE when it says all that it must, of SENT blocks. */
emr_ipfs_fault answer_import_judge(const answer_import *import, uint64_t sent);
void answer_import_free(answer_import *import);

/* ---- One block (block.c) ---- */

typedef struct node_block {
	node_run *run;
	const emr_cid *cid;
	emr_buf bytes;
} node_block;
emr_status node_block_take(void *block, emr_bytes piece); /* for node_request.take */
/* After the request, whose result is STATUS: verified and appended to OUT, or not at all. */
emr_status node_block_end(node_block *block, emr_status status, emr_buf *out);

/* ---- Several leaves of one file (window.c) ---- */

typedef struct node_window {
	node_run *run;
	const emr_ipfs_window *window;
	size_t at;     /* of its leaves */
	emr_buf bytes; /* of that one */
} node_window;
emr_status node_window_take(void *window, emr_bytes piece); /* for node_request.take */
/* After the request, whose result is STATUS: whether every leaf came. */
emr_status node_window_end(node_window *window, emr_status status);

/* ---- kubo.c ---- */
/* The client asks a Kubo node with these functions, one for each call of node.h. It refuses to
 * ask anything without a timeout of the node's own. */

/* The same for an answer of JSON objects; HOW gives the body, or is NULL. */
emr_status kubo_ask_lines(node_run *run, const char *command, const node_request *how,
	answer_line_fn take, void *arg);

emr_status kubo_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES]);
emr_status kubo_block(node_run *run, const emr_cid *cid, bool is_online, emr_buf *out);
emr_status kubo_window(node_run *run, const emr_ipfs_window *window);
emr_status kubo_push(node_run *run, const emr_ipfs_parcel *parcel);
emr_status kubo_holds(node_run *run, const emr_cid *root, emr_ipfs_holding *out_holding);
emr_status kubo_let_go(node_run *run, const emr_cid *root);
emr_status kubo_syncs(node_run *run, emr_ipfs_verdict *out);
emr_status kubo_each_pin(node_run *run, emr_ipfs_pin_visit visit, void *arg);

/* These functions ask a cluster for node.c and say how its answers are read. They refuse an
 * answer that is about something else than was asked. */

emr_status cluster_version(node_run *run, char out[EMR_IPFS_VERSION_BYTES]);
emr_status cluster_let_go(node_run *run, const emr_cid *root);

/* Each reads all of an answer; SAID (EMR_IPFS_SAID_BYTES) is why it does not count, of the first
 * also the version.  (cluster_answers.c) */
emr_ipfs_fault answer_cluster_version(emr_bytes text, char *said);
emr_ipfs_fault answer_cluster_pin(emr_bytes text, const emr_cid *root, char *said);
emr_ipfs_fault answer_cluster_pinning(
	emr_bytes text, const emr_cid *root, emr_ipfs_pinning *out_pinning);

/* ---- gateway.c ---- */
/* The client asks a trustless gateway with these functions. It refuses anything but blocks: what
 * a gateway makes of them cannot be verified. */

emr_status gateway_probe(node_run *run);
emr_status gateway_block(node_run *run, const emr_cid *cid, emr_buf *out);
