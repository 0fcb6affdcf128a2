/* A request that needs a key from another computer must not hold up a thread. This file puts it
 * aside and answers it when the key has come, or at its deadline. */
#include "park.h"

#include <stdlib.h>

#include "fetch/fetch.h"

#include "reply.h"

#define SLACK_NS                                                                                   \
	INT64_C(1000000000) /* the view answers in time and says why not; this is for when it      \
			       hangs itself */

typedef struct waiting {
	fuse_req_t req;
	uint64_t id;
	parked p;
	park_fn go;
} waiting;

static void ready(void *arg, emr_status status)
{
	waiting *w = arg;

	if (wait_take(w->id))
		w->go(w->req, &w->p, status);
	else
		free(w->p.data);
	free(w);
}

/* REQ has NS from now on. NULL: there was no memory, and it was answered. */
static waiting *put_aside(fuse_req_t req, const parked *p, park_fn go, int64_t ns)
{
	waiting *w = malloc(sizeof *w);

	if (w != NULL) {
		*w = (waiting){.req = req, .id = wait_begin(req, ns), .p = *p, .go = go};
		return w;
	}
	free(p->data);
	reply_status(req, EMR_NO_MEMORY);
	return NULL;
}

bool park_block(fuse_req_t req, emr_handle *handle, const parked *p, park_fn go, unsigned most)
{
	waiting *w;
	emr_status status;

	if (p->tries >= most)
		return false;
	w = put_aside(req, p, go, EMR_FETCH_WAIT_NS);
	if (w == NULL)
		return true;
	w->p.tries++;
	status = emr_view_await_block(handle, (uint64_t)p->offset, ready, w);
	if (status != EMR_BUSY)
		ready(w, status);
	return true;
}

bool park(fuse_req_t req, session *s, emr_need need, const parked *p, park_fn go)
{
	const char *name = p->name[0] != 0 ? p->name : NULL;
	waiting *w;
	emr_status status;

	if (p->at_once >= PARK_TRIES)
		return false;
	w = put_aside(req, p, go, EMR_SHARED_WAIT_NS + EMR_FETCH_WAIT_NS + SLACK_NS);
	if (w == NULL)
		return true;
	status = emr_view_await(s->options.view, p->node, need, name, ready, w);
	if (status != EMR_BUSY) { /* it has come meanwhile, or never will */
		w->p.at_once++;
		ready(w, status);
	}
	return true;
}
