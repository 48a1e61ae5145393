# ZenML's server of the version that the pipelines use, with the S3 client that shows artifacts.
#
#   docker build -f docker/zenml.Dockerfile -t polytask-zenml:0.98.0 .
FROM python:3.11-slim AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
COPY constraints.txt ./
RUN pip install --constraint constraints.txt 'zenml[server]' boto3 s3fs && pip check

FROM python:3.11-slim
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /data --shell /usr/sbin/nologin zenml \
    && mkdir /data && chown 10001:0 /data && chmod 770 /data
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/data ZENML_CONFIG_PATH=/data ZENML_SERVER=true \
    ZENML_ANALYTICS_OPT_IN=false ZENML_SERVER_DEPLOYMENT_TYPE=docker ZENML_SERVER_AUTO_ACTIVATE=true
COPY --from=dependencies /opt/venv /opt/venv
LABEL org.opencontainers.image.title="polytask-zenml" \
      org.opencontainers.image.description="ZenML's server 0.98.0" \
      org.opencontainers.image.version="0.98.0"
USER 10001:0
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "0.0.0.0", "--port", "8080", "--log-level", "warning"]
