/* This file answers what a node is asked by Kubo's RPC but for imports: what it is, blocks, parts
 * of files, what is kept and by whom, and letting go. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "store/car_store.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"
#include "store/varint.h"

/* Of Kubo's RPC, as it was with this version. */
#define VERSION "0.43.1"
#define RPC "/api/v0/"
#define IMPORT RPC "dag/import"
#define LET_GO RPC "pin/rm"
#define CAT_MAX ((uint64_t)8 << 20) /* bytes of one answer: a reader's window has fewer */
#define VISITS_MAX 512u		    /* nodes and leaves of one answer */
#define UNIXFS_BLOCKSIZES 0x20	    /* field 4, a varint */

emr_status emr_node_new(const emr_node_options *options, emr_node **out_node)
{
	emr_node *node = calloc(1, sizeof *node);

	if (node == NULL)
		return EMR_NO_MEMORY;
	node->options = *options;
	(void)pthread_rwlock_init(&node->imports, NULL);
	*out_node = node;
	return EMR_OK;
}

void emr_node_free(emr_node *node)
{
	if (node == NULL)
		return;
	(void)pthread_rwlock_destroy(&node->imports);
	free(node);
}

void emr_node_still(emr_node *node)
{
	(void)pthread_rwlock_wrlock(&node->imports);
}

void emr_node_go_on(emr_node *node)
{
	(void)pthread_rwlock_unlock(&node->imports);
}

uint64_t emr_node_dropped(const emr_node *node)
{
	return atomic_load(&node->dropped);
}

/* ---- how answers are written ---- */

emr_id16 host_owner(const emr_serve_call *call)
{
	emr_id16 owner;

	memcpy(owner.b, call->asks.b, sizeof owner.b);
	return owner;
}

void host_text(emr_serve_call *call, const char *words)
{
	call->type = "text/plain";
	emr_buf_clear(&call->out);
	(void)!emr_buf_append(&call->out, words, strlen(words));
}

/* Whether CALL may ask, and let go of ROOT, if that is not empty; the answer is written where not.
 */
static bool host_may(emr_node *node, emr_serve_call *call, emr_bytes root)
{
	emr_status status = node->options.may != NULL
				    ? node->options.may(node->options.may_arg, call, root)
				    : EMR_OK;

	if (status == EMR_OK)
		return true;
	call->code = status == EMR_BAD_SIGNATURE ? 401
		     : status == EMR_DENIED	 ? 403
		     : status == EMR_OFFLINE	 ? 503
						 : 500;
	host_text(call, "Kubo RPC Access Denied: Please provide a valid authorization token");
	return false;
}

void host_say(emr_serve_call *call, json_t *line)
{
	char *words = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;

	call->type = "application/json";
	if (words == NULL || emr_buf_append(&call->out, words, strlen(words)) != EMR_OK ||
		emr_buf_append(&call->out, "\n", 1) != EMR_OK)
		call->code = 500;
	free(words);
	json_decref(line);
}

bool host_fail(emr_serve_call *call, const char *format, ...)
{
	char words[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	emr_buf_clear(&call->out);
	host_say(call, json_pack("{s:s, s:i, s:s}", "Message", words, "Code", 0, "Type", "error"));
	call->code = 500;
	return true;
}

static bool fail_missing(emr_serve_call *call, const char *cid)
{
	return host_fail(
		call, "block was not found locally (offline): ipld: could not find %.100s", cid);
}

/* Reads the CID in the argument "arg"; writes the answer where it names none. */
static bool take_cid(emr_serve_call *call, const char *name, emr_cid *out)
{
	if (name != NULL && emr_cid_parse_text(name, out) == EMR_OK)
		return true;
	(void)host_fail(call, "invalid path: invalid cid");
	return false;
}

/* The root that is asked about. */
static bool take_root(emr_serve_call *call, const char **out_name, emr_cid *out)
{
	*out_name = emr_serve_query(call, "arg");
	return take_cid(call, *out_name, out);
}

/* Whose call it is, before it waits for its turn among those of the same key. */
static bool may_ask(void *arg, emr_serve_call *call)
{
	const bool lets_go = strcmp(call->route->path, LET_GO) == 0;
	const char *name;
	emr_bytes one = {0};
	emr_cid root;

	if (lets_go && !take_root(call, &name, &root))
		return false;
	if (lets_go)
		one = emr_bytes_of(root.b, sizeof root.b);
	return host_may(arg, call, one);
}

/* ---- blocks ---- */

static bool answer_version(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	char store[2 * sizeof node->options.id.b + 1];

	emr_hex(node->options.id.b, sizeof node->options.id.b, store);
	if (host_may(node, call, (emr_bytes){0}))
		host_say(call, json_pack("{s:s, s:s, s:s}", "Version", VERSION, "Commit", "emrfs",
				       "Store", store));
	return true;
}

static bool answer_block(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	const char *name;
	emr_cid cid;

	if (!take_root(call, &name, &cid))
		return true;
	call->type = "application/vnd.ipld.raw";
	if (emr_block_store_get_verified(node->options.store, &cid, &call->out) != EMR_OK)
		return fail_missing(call, name);
	return true;
}

/* ---- a part of a file ---- */

/* A file's tree is followed by the sizes that its nodes say; a tree that lies in them, or has more
 * nodes in a part than a file of ours, ends the answer.  The client has each leaf's hash. */
typedef struct window {
	emr_block_store *store;
	uint64_t at, end; /* of the file */
	uint64_t here;	  /* bytes of the file before the node that is next */
	unsigned visits;
	emr_buf *out;
	emr_buf nodes[HOST_DEPTH_MAX];
} window;

static emr_status cat_leaf(window *w, const emr_cid *cid)
{
	EMR_AUTO_BUF leaf = {0};
	uint64_t from, to;

	EMR_TRY(emr_block_store_get_verified(w->store, cid, &leaf));
	from = w->at > w->here ? w->at - w->here : 0;
	to = w->end - w->here < leaf.len ? w->end - w->here : leaf.len;
	w->here += leaf.len;
	return from < to ? emr_buf_append(w->out, leaf.data + from, (size_t)(to - from)) : EMR_OK;
}

/* The next field of a node's UnixFS data from *AT on; *OUT_SIZE is a child's, when it is one. */
static emr_status next_field(emr_bytes data, size_t *at, bool *out_is_size, uint64_t *out_size)
{
	uint64_t tag;
	size_t n = emr_varint_get(data.data + *at, data.len - *at, &tag);

	if (n == 0)
		return EMR_DAMAGED;
	*at += n;
	n = emr_varint_get(data.data + *at, data.len - *at, out_size);
	if (n == 0)
		return EMR_DAMAGED;
	*at += n;
	*out_is_size = tag == UNIXFS_BLOCKSIZES;
	if ((tag & 7) == 0)
		return EMR_OK;
	if ((tag & 7) != 2 || *out_size > data.len - *at)
		return EMR_DAMAGED;
	*at += (size_t)*out_size;
	return EMR_OK;
}

static emr_status next_size(emr_bytes data, size_t *at, uint64_t *out)
{
	bool is_size = false;

	while (!is_size)
		EMR_TRY(next_field(data, at, &is_size, out));
	return EMR_OK;
}

static emr_status find_data(emr_bytes node, emr_bytes *out)
{
	emr_dag_pb_cursor cursor = emr_dag_pb_begin(node);
	emr_dag_pb_link link;
	bool more = true;

	while (more)
		EMR_TRY(emr_dag_pb_next(&cursor, &more, &link, out));
	return EMR_OK;
}

static emr_status cat_node(window *w, const emr_cid *cid, unsigned depth)
{
	emr_dag_pb_cursor cursor;
	emr_dag_pb_link link;
	emr_bytes data, ignored;
	uint64_t size, begun;
	size_t at = 0;
	bool more = true;

	if (depth == HOST_DEPTH_MAX || ++w->visits > VISITS_MAX)
		return EMR_LIMIT;
	if (emr_cid_codec(cid) == EMR_CODEC_RAW)
		return cat_leaf(w, cid);
	emr_buf_clear(&w->nodes[depth]);
	EMR_TRY(emr_block_store_get_verified(w->store, cid, &w->nodes[depth]));
	if (w->nodes[depth].len > EMR_UNIXFS_NODE_MAX)
		return EMR_LIMIT;
	EMR_TRY(find_data(emr_buf_view(&w->nodes[depth]), &data));
	cursor = emr_dag_pb_begin(emr_buf_view(&w->nodes[depth]));
	while (w->here < w->end) {
		EMR_TRY(emr_dag_pb_next(&cursor, &more, &link, &ignored));
		if (!more)
			break;
		EMR_TRY(next_size(data, &at, &size));
		begun = w->here;
		if (size > UINT64_MAX - begun)
			return EMR_DAMAGED;
		if (begun + size <= w->at)
			w->here += size;
		else
			EMR_TRY(cat_node(w, &link.cid, depth + 1));
		if (w->here != begun + size && w->here < w->end)
			return EMR_DAMAGED;
	}
	return EMR_OK;
}

static bool answer_cat(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	window w = {.store = node->options.store, .out = &call->out};
	const char *name;
	uint64_t length;
	emr_cid cid;
	emr_status status = EMR_OK;

	if (!take_root(call, &name, &cid))
		return true;
	if (emr_serve_number(call, "offset", 0, &w.at) != EMR_OK ||
		emr_serve_number(call, "length", CAT_MAX, &length) != EMR_OK || length > CAT_MAX ||
		w.at > UINT64_MAX - length)
		return host_fail(call, "no such part of a file");
	w.end = w.at + length;
	status = cat_node(&w, &cid, 0);
	for (size_t i = 0; i < HOST_DEPTH_MAX; i++)
		emr_buf_free(&w.nodes[i]);
	/* The part that is there is given; the client sees that there is less. */
	if (status != EMR_OK && call->out.len == 0)
		return fail_missing(call, name);
	return true;
}

/* ---- what is kept ---- */

typedef struct pins {
	emr_serve_call *call;
	emr_id16 owner;
	const emr_cid *root; /* NULL: each is said */
	json_t *keys;	     /* in one answer; NULL: a line each */
	bool is_found;
} pins;

static emr_status look_at_pin(void *context, const emr_pin *pin)
{
	pins *p = context;
	char cid[EMR_CID_TEXT_CHARS + 1];

	if (memcmp(pin->owner.b, p->owner.b, sizeof p->owner.b) != 0)
		return EMR_OK;
	if (p->root != NULL) {
		p->is_found = p->is_found || emr_cid_equal(&pin->root, p->root);
		return EMR_OK;
	}
	emr_cid_text(&pin->root, cid);
	if (p->keys != NULL)
		return json_object_set_new(p->keys, cid, json_pack("{s:s}", "Type", "recursive")) ==
				       0
			       ? EMR_OK
			       : EMR_NO_MEMORY;
	host_say(p->call, json_pack("{s:s, s:s}", "Cid", cid, "Type", "recursive"));
	return EMR_OK;
}

static bool is_pinned(emr_node *node, emr_serve_call *call, const emr_cid *root)
{
	pins p = {.call = call, .owner = host_owner(call), .root = root};

	return emr_block_store_each_pin(node->options.store, look_at_pin, &p) == EMR_OK &&
	       p.is_found;
}

static bool answer_all_pins(emr_node *node, pins *p)
{
	const char *stream = emr_serve_query(p->call, "stream");
	emr_status status;

	if (stream == NULL || strcmp(stream, "true") != 0)
		p->keys = json_object();
	status = emr_block_store_each_pin(node->options.store, look_at_pin, p);
	if (status == EMR_OK && p->keys != NULL)
		host_say(p->call, json_pack("{s:O}", "Keys", p->keys));
	json_decref(p->keys);
	return status == EMR_OK ? true : host_fail(p->call, "the pins cannot be read");
}

static bool answer_pins(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	pins p = {.call = call};
	const char *name = emr_serve_query(call, "arg");
	emr_cid root;

	p.owner = host_owner(call);
	call->type = "application/json";
	if (name == NULL)
		return answer_all_pins(node, &p);
	if (!take_cid(call, name, &root))
		return true;
	if (!is_pinned(node, call, &root))
		return host_fail(call, "path '%.100s' is not pinned", name);
	host_say(call, json_pack("{s:{s:{s:s}}}", "Keys", name, "Type", "recursive"));
	return true;
}

static bool answer_let_go(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	emr_pin pin = {.state = EMR_PIN_KEPT};
	const char *name;

	if (!take_root(call, &name, &pin.root))
		return true;
	if (!is_pinned(node, call, &pin.root))
		return host_fail(call, "not pinned or pinned indirectly");
	pin.owner = host_owner(call);
	if (emr_block_store_unpin(node->options.store, &pin, 1) != EMR_OK ||
		emr_block_store_sync(node->options.store) != EMR_OK)
		return host_fail(call, "it cannot be let go");
	atomic_fetch_add(&node->dropped, 1);
	host_say(call, json_pack("{s:[s]}", "Pins", name));
	return true;
}

typedef struct counting {
	emr_block_store *store;
	json_int_t blocks;
	uint64_t bytes;
	emr_buf block;
} counting;

/* Each block is read: what an index says is not enough. */
static emr_status count_block(void *context, const emr_cid *cid)
{
	counting *c = context;
	emr_status status = EMR_OK;

	c->blocks++;
	emr_buf_clear(&c->block);
	if (emr_cid_codec(cid) == EMR_CODEC_RAW)
		status = emr_block_store_get_verified(c->store, cid, &c->block);
	c->bytes += c->block.len;
	return status;
}

static bool answer_stat(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	counting c = {.store = node->options.store};
	const char *name;
	emr_cid root;
	emr_status status;

	if (!take_root(call, &name, &root))
		return true;
	status = emr_store_walk(c.store, &root, count_block, &c, NULL);
	emr_buf_free(&c.block);
	emr_serve_worked(call, c.bytes + (uint64_t)c.blocks * HOST_BLOCK_WORK);
	if (status != EMR_OK)
		return fail_missing(call, name);
	host_say(call, json_pack("{s:I, s:[{s:s, s:I}]}", "UniqueBlocks", c.blocks, "DagStats",
			       "Cid", name, "NumBlocks", c.blocks));
	return true;
}

bool emr_node_stores(const emr_serve_call *call)
{
	return strcmp(call->route->path, IMPORT) == 0;
}

#define WORK .waits_for_disk = true, .whose = may_ask

const emr_serve_route emr_node_routes[] = {
	{"GET", "/ipfs/", WORK, .is_weighed = true, .answer = host_gateway,
		.more = host_gateway_more, .drop = host_gateway_drop},
	{"POST", RPC "version", .answer = answer_version},
	{"POST", RPC "block/get", WORK, .answer = answer_block},
	{"POST", RPC "cat", WORK, .answer = answer_cat},
	{"POST", IMPORT, WORK, .is_weighed = true, .is_form = true, .take = host_import_take,
		.answer = host_import, .drop = host_import_drop},
	{"POST", RPC "dag/stat", WORK, .is_weighed = true, .answer = answer_stat},
	{"POST", RPC "pin/ls", WORK, .answer = answer_pins},
	{"POST", LET_GO, WORK, .answer = answer_let_go},
	{.method = NULL},
};
