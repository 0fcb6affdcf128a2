/* This file loads the module that is linked with libmicrohttpd, when the first server starts. The
 * module lies in libexec/emrfs beside the program, whose run path names the directory. */
#include "httpd.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/log.h"

const emr_microhttpd_functions *emr_microhttpd;

static pthread_once_t module_once = PTHREAD_ONCE_INIT;

#define NAME_OF(symbol) NAME_AS_TEXT(symbol)
#define NAME_AS_TEXT(symbol) #symbol

/* The module stays loaded until the process ends. */
static void module_load(void)
{
	void *module = dlopen("emrfs-microhttpd.so", RTLD_NOW | RTLD_LOCAL);

	emr_microhttpd = module != NULL ? dlsym(module, NAME_OF(EMR_MICROHTTPD_TABLE)) : NULL;
	if (emr_microhttpd == NULL)
		emr_log(EMR_LOG_ERROR, "libmicrohttpd cannot be loaded, and nothing be served: %s",
			dlerror());
}

bool emr_microhttpd_begin(void)
{
	pthread_once(&module_once, module_load);
	return emr_microhttpd != NULL;
}
