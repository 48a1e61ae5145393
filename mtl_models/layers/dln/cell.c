/* One step of a DLN-LSTM over the rows of a batch, forward and backward, in single precision: what lies between the two matrix products.

   Step s of a packed batch holds rows 0..rows-1 of the texts, longest first, at packed places `at + row`. The same row's place one step
   earlier is `before + row`, one step later `after + row`, the latter for the first `going` rows only: the others end here. Gates lie in
   the order f, i, o, g. Everything is row after row and the sums run in one fixed order, so the result does not depend on threads. */

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int64_t hidden, tanh;                                /* H; whether the normalised cell state goes through tanh */
    float epsilon;
    const int64_t *owner;                                /* (B) row -> row of the norms */
    const float *gain_x, *gain_h, *shift, *gain_c, *shift_c; /* norms (T, 4H) and (T, H); shift is that of x plus that of h */
    const float *mask;                                   /* (B, H) recurrent dropout, or null */
    const float *products_x, *products_h;                /* (N, 4H) W_x x and W_h h */
    float *gates, *cell, *fed, *statistics;              /* (N, 4H), (N, H), (N, H) what is fed back, (N, 6) means and 1/deviations */
    const float *grad_cell, *grad_out;                   /* (B, H) of the last c and the last o of every row */
    float *flow, *grad_fed;                              /* (B, H) running gradient of c; gradient of what was fed to the next step */
    float *grad_x, *grad_h;                              /* (N, 4H) gradients of the products */
    float *grad_gain_x, *grad_gain_h, *grad_shift, *grad_gain_c, *grad_shift_c; /* sums, as the norms */
} Cell;

/* exp by range reduction and a polynomial of degree 6 (relative error below 1e-7), in plain arithmetic that compilers turn into vectors */
static inline float exponential(float x) {
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    const float whole = (x * 1.44269504f + 12582912.0f) - 12582912.0f; /* adding 1.5 * 2^23 rounds to a whole number */
    const float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float sum = 1.9875691500e-4f;
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    const int32_t bits = ((int32_t)whole + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

static inline float logistic(float x) { return 1.0f / (1.0f + exponential(-x)); }

static inline float hyperbolic(float x) { return 2.0f * logistic(2.0f * x) - 1.0f; }

/* mean and 1/deviation (biased variance) of n numbers */
static inline void moments(const float *restrict x, int64_t n, float epsilon, float *restrict out) {
    float sum = 0.0f, squares = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < n; ++j) sum += x[j];
    const float mean = sum / (float)n;
#pragma omp simd reduction(+ : squares)
    for (int64_t j = 0; j < n; ++j) squares += (x[j] - mean) * (x[j] - mean);
    out[0] = mean;
    out[1] = 1.0f / sqrtf(squares / (float)n + epsilon);
}

static void row_forward(const Cell *p, int64_t row, int64_t at, int64_t before, int64_t after, int first, int goes_on) {
    const int64_t h = p->hidden, wide = 4 * h, task = p->owner[row];
    const float *restrict x = p->products_x + (at + row) * wide, *restrict y = p->products_h + (at + row) * wide;
    const float *restrict gx = p->gain_x + task * wide, *restrict gh = p->gain_h + task * wide, *restrict a = p->shift + task * wide;
    const float *restrict earlier = p->cell + (before + row) * h;
    float *restrict z = p->gates + (at + row) * wide, *restrict c = p->cell + (at + row) * h;
    float *restrict s = p->statistics + (at + row) * 6;
    moments(x, wide, p->epsilon, s);
    if (first) { /* h = 0: its normalised product is 0 */
#pragma omp simd
        for (int64_t j = 0; j < wide; ++j) z[j] = (x[j] - s[0]) * s[1] * gx[j] + a[j];
    } else {
        moments(y, wide, p->epsilon, s + 2);
#pragma omp simd
        for (int64_t j = 0; j < wide; ++j) z[j] = (x[j] - s[0]) * s[1] * gx[j] + (y[j] - s[2]) * s[3] * gh[j] + a[j];
    }
#pragma omp simd
    for (int64_t j = 0; j < 3 * h; ++j) z[j] = logistic(z[j]);
#pragma omp simd
    for (int64_t j = 3 * h; j < wide; ++j) z[j] = hyperbolic(z[j]);
#pragma omp simd
    for (int64_t j = 0; j < h; ++j) c[j] = z[h + j] * z[3 * h + j] + (first ? 0.0f : z[j] * earlier[j]);
    if (!goes_on) return;
    const float *restrict gc = p->gain_c + task * h, *restrict ac = p->shift_c + task * h;
    float *restrict fed = p->fed + (after + row) * h;
    moments(c, h, p->epsilon, s + 4);
#pragma omp simd
    for (int64_t j = 0; j < h; ++j) fed[j] = (c[j] - s[4]) * s[5] * gc[j] + ac[j];
    if (p->tanh) {
#pragma omp simd
        for (int64_t j = 0; j < h; ++j) fed[j] = hyperbolic(fed[j]);
    }
#pragma omp simd
    for (int64_t j = 0; j < h; ++j) fed[j] *= z[2 * h + j];
    if (p->mask) {
        const float *restrict mask = p->mask + row * h;
#pragma omp simd
        for (int64_t j = 0; j < h; ++j) fed[j] *= mask[j];
    }
}

/* what reaches the cell state and the output gate of a row by way of the next step; `out` receives the gradient of o */
static void row_fed_backward(const Cell *p, int64_t row, int64_t at, float *restrict out) {
    const int64_t h = p->hidden, task = p->owner[row];
    const float *restrict c = p->cell + (at + row) * h, *restrict o = p->gates + (at + row) * 4 * h + 2 * h;
    const float *restrict s = p->statistics + (at + row) * 6;
    const float *restrict gc = p->gain_c + task * h, *restrict ac = p->shift_c + task * h;
    float *restrict dgc = p->grad_gain_c + task * h, *restrict dac = p->grad_shift_c + task * h;
    float *restrict flow = p->flow + row * h, *restrict fed = p->grad_fed + row * h;
    float sum = 0.0f, along = 0.0f;
    if (p->mask) {
        const float *restrict mask = p->mask + row * h;
#pragma omp simd
        for (int64_t j = 0; j < h; ++j) fed[j] *= mask[j];
    }
    if (p->tanh) {
#pragma omp simd
        for (int64_t j = 0; j < h; ++j) {
            const float t = hyperbolic((c[j] - s[4]) * s[5] * gc[j] + ac[j]);
            out[j] = fed[j] * t;
            fed[j] *= o[j] * (1.0f - t * t);
        }
    } else {
#pragma omp simd
        for (int64_t j = 0; j < h; ++j) {
            out[j] = fed[j] * ((c[j] - s[4]) * s[5] * gc[j] + ac[j]);
            fed[j] *= o[j];
        }
    }
#pragma omp simd reduction(+ : sum, along)
    for (int64_t j = 0; j < h; ++j) {
        const float normal = (c[j] - s[4]) * s[5];
        dac[j] += fed[j];
        dgc[j] += fed[j] * normal;
        fed[j] *= gc[j];
        sum += fed[j];
        along += fed[j] * normal;
    }
    sum /= (float)h;
    along /= (float)h;
#pragma omp simd
    for (int64_t j = 0; j < h; ++j) flow[j] += s[5] * (fed[j] - sum - (c[j] - s[4]) * s[5] * along);
}

static void row_backward(const Cell *p, int64_t row, int64_t at, int64_t before, int first, int goes_on) {
    const int64_t h = p->hidden, wide = 4 * h, task = p->owner[row];
    const float *restrict x = p->products_x + (at + row) * wide, *restrict y = p->products_h + (at + row) * wide;
    const float *restrict z = p->gates + (at + row) * wide, *restrict earlier = p->cell + (before + row) * h;
    const float *restrict gx = p->gain_x + task * wide, *restrict gh = p->gain_h + task * wide;
    const float *restrict s = p->statistics + (at + row) * 6;
    float *restrict dx = p->grad_x + (at + row) * wide, *restrict dy = p->grad_h + (at + row) * wide;
    float *restrict dgx = p->grad_gain_x + task * wide, *restrict dgh = p->grad_gain_h + task * wide;
    float *restrict da = p->grad_shift + task * wide, *restrict flow = p->flow + row * h;
    if (goes_on) {
        row_fed_backward(p, row, at, dx + 2 * h);
    } else {
        memcpy(dx + 2 * h, p->grad_out + row * h, h * sizeof(float));
        memcpy(flow, p->grad_cell + row * h, h * sizeof(float));
    }
#pragma omp simd
    for (int64_t j = 0; j < h; ++j) {
        const float f = z[j], i = z[h + j], o = z[2 * h + j], g = z[3 * h + j], dc = flow[j];
        dx[j] = first ? 0.0f : dc * earlier[j] * f * (1.0f - f);
        dx[h + j] = dc * g * i * (1.0f - i);
        dx[2 * h + j] *= o * (1.0f - o);
        dx[3 * h + j] = dc * i * (1.0f - g * g);
        flow[j] = dc * f;
    }
    float sum_x = 0.0f, along_x = 0.0f, sum_h = 0.0f, along_h = 0.0f;
    const float mean_x = s[0], scale_x = s[1];
#pragma omp simd reduction(+ : sum_x, along_x)
    for (int64_t j = 0; j < wide; ++j) {
        const float normal = (x[j] - mean_x) * scale_x;
        da[j] += dx[j];
        dgx[j] += dx[j] * normal;
        sum_x += dx[j] * gx[j];
        along_x += dx[j] * gx[j] * normal;
    }
    if (!first) {
        const float mean_h = s[2], scale_h = s[3];
#pragma omp simd reduction(+ : sum_h, along_h)
        for (int64_t j = 0; j < wide; ++j) {
            const float normal = (y[j] - mean_h) * scale_h;
            dgh[j] += dx[j] * normal;
            sum_h += dx[j] * gh[j];
            along_h += dx[j] * gh[j] * normal;
        }
        sum_h /= (float)wide;
        along_h /= (float)wide;
#pragma omp simd
        for (int64_t j = 0; j < wide; ++j) dy[j] = scale_h * (dx[j] * gh[j] - sum_h - (y[j] - mean_h) * scale_h * along_h);
    }
    sum_x /= (float)wide;
    along_x /= (float)wide;
#pragma omp simd
    for (int64_t j = 0; j < wide; ++j) dx[j] = scale_x * (dx[j] * gx[j] - sum_x - (x[j] - mean_x) * scale_x * along_x);
}

void step_forward(const Cell *p, int64_t rows, int64_t going, int64_t at, int64_t before, int64_t after, int64_t first) {
    for (int64_t row = 0; row < rows; ++row) row_forward(p, row, at, before, after, first != 0, row < going);
}

void step_backward(const Cell *p, int64_t rows, int64_t going, int64_t at, int64_t before, int64_t first) {
    for (int64_t row = 0; row < rows; ++row) row_backward(p, row, at, before, first != 0, row < going);
}
