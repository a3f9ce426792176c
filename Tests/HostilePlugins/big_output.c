/* 13: output above the limit: 5 MiB fit a frame but not the limit; "huge" fits neither. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    size_t size = equals(call->input, "\"huge\"") ? 64u << 20 : 5u << 20;
    uint8_t *bytes = malloc(size);
    memset(bytes, '1', size);
    bytes[0] = '"';
    bytes[size - 1] = '"';
    host->complete(host->ctx, call->id, STEP_STATUS_OK, (step_bytes){bytes, size});
    free(bytes);
    return 0;
}
