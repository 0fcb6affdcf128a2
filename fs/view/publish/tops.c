/* New content of a record counts on from the highest version number that the record has ever
 * had. This file asks the ledger's copy for it, once, before a batch is made. */
#include <stdlib.h>

#include "settle/history.h"

#include "foreign.h"
#include "publish.h"

/* The question: nodes and vacated names, each with one entry. */
typedef struct unknown_tops {
	emr_top *tops;
	node **nodes; /* NULL: the vacated name of that object */
	size_t n;
} unknown_tops;

static emr_status list_unknown(const publishing *p, unknown_tops *u)
{
	size_t max = p->nnodes;

	for (const vacated *v = p->view->vacated; v != NULL; v = v->next)
		max++;
	u->tops = calloc(max + 1, sizeof *u->tops);
	u->nodes = calloc(max + 1, sizeof *u->nodes);
	if (u->tops == NULL || u->nodes == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < p->nnodes; i++) {
		if (!(p->nodes[i]->type == EMR_META_FILE && p->nodes[i]->is_published &&
			    p->nodes[i]->content_dirty && node_top_cver(p->nodes[i]) == 0))
			continue;
		if (tree_need_file(p->nodes[i]) != EMR_OK) /* which remembers it */
			return EMR_NO_MEMORY;
		u->nodes[u->n] = p->nodes[i];
		u->tops[u->n++].place = node_place(p->nodes[i]);
	}
	for (vacated *v = p->view->vacated; v != NULL; v = v->next)
		if (v->top_cver == 0 && heirs_find(p->view, v) != NULL &&
			foreign_is_domain(p->view, v->place.domain))
			v->top_cver = v->place.cver; /* another's: nobody else counts there without
							being seen */
		else if (v->top_cver == 0 && heirs_find(p->view, v) != NULL)
			u->tops[u->n++].place = v->place;
	return EMR_OK;
}

static void note_tops(const publishing *p, const unknown_tops *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const emr_top *top = &u->tops[i];
		node *n = u->nodes[i];

		if (n != NULL && n->is_published &&
			emr_id16_equal(node_place(n).record_id, top->place.record_id))
			node_set_top_cver(n, top->highest);
		if (n == NULL) {
			vacated *v = vacated_find(p->view, top->place.object);

			if (v != NULL)
				v->top_cver = top->highest;
		}
	}
}

emr_status tops_learn(publishing *p)
{
	unknown_tops u = {.n = 0};
	emr_status status;

	pthread_mutex_lock(&p->view->lock);
	status = list_unknown(p, &u);
	pthread_mutex_unlock(&p->view->lock);
	if (status == EMR_OK && u.n > 0)
		status = emr_facts_highest(p->view->options.facts, u.tops, u.n);
	if (status == EMR_OK) {
		pthread_mutex_lock(&p->view->lock);
		note_tops(p, &u);
		pthread_mutex_unlock(&p->view->lock);
	}
	free(u.tops);
	free(u.nodes);
	return status;
}
