/* A program asks first how long an attribute is and then for its value. This file keeps the
 * value in between, so that the second answer has the length of the first, even if the attribute
 * has changed. */
#include <stdlib.h>
#include <string.h>

#include "base/worker.h"

#include "told.h"

typedef struct slot {
	uint64_t node;
	int32_t thread;
	char *name; /* NULL: free */
	emr_buf value;
	int64_t at_ns;
} slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static slot slots[TOLD_MAX]; /* under lock */

static void let_go(slot *s)
{
	free(s->name);
	s->name = NULL;
	emr_buf_free(&s->value);
}

static bool is_for(const slot *s, told_key key)
{
	return s->name != NULL && s->node == key.node && s->thread == key.thread &&
	       strcmp(s->name, key.name) == 0;
}

static slot *find(told_key key)
{
	for (size_t i = 0; i < TOLD_MAX; i++)
		if (is_for(&slots[i], key))
			return &slots[i];
	return NULL;
}

/* A free one, or the oldest. */
static slot *room(void)
{
	slot *oldest = &slots[0];

	for (size_t i = 0; i < TOLD_MAX; i++) {
		if (slots[i].name == NULL)
			return &slots[i];
		if (slots[i].at_ns < oldest->at_ns)
			oldest = &slots[i];
	}
	let_go(oldest);
	return oldest;
}

void told_keep(told_key key, emr_bytes value, int64_t now_ns)
{
	EMR_LOCKED(&lock);
	slot *s = find(key);

	if (s != NULL)
		let_go(s);
	if (value.len <= TOLD_VALUE_MAX) {
		s = room();
		s->node = key.node;
		s->thread = key.thread;
		s->at_ns = now_ns;
		s->name = strdup(key.name);
		if (s->name != NULL && emr_buf_append(&s->value, value.data, value.len) != EMR_OK)
			let_go(s);
	}
}

bool told_take(told_key key, size_t size, int64_t now_ns, emr_buf *out_value)
{
	bool was_told = false;
	EMR_LOCKED(&lock);
	slot *s = find(key);

	if (s != NULL) {
		was_told = s->value.len == size && now_ns - s->at_ns <= TOLD_NS &&
			   emr_buf_append(out_value, s->value.data, s->value.len) == EMR_OK;
		let_go(s);
	}
	return was_told;
}

void told_forget(uint64_t node)
{
	EMR_LOCKED(&lock);

	for (size_t i = 0; i < TOLD_MAX; i++)
		if (slots[i].name != NULL && slots[i].node == node)
			let_go(&slots[i]);
}

void told_clear(void)
{
	EMR_LOCKED(&lock);

	for (size_t i = 0; i < TOLD_MAX; i++)
		let_go(&slots[i]);
}
