# MLflow with what it needs to keep runs in PostgreSQL, files in S3, and to ask for passwords.
#
#   docker build -f docker/mlflow.Dockerfile -t polytask-mlflow:3.17.2 .
FROM python:3.11-slim AS dependencies
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
COPY constraints.txt ./
RUN pip install --constraint constraints.txt 'mlflow[auth]' psycopg2-binary boto3 && pip check

FROM python:3.11-slim
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mlflow
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/tmp MLFLOW_HOST=0.0.0.0 MLFLOW_PORT=5000
COPY --from=dependencies /opt/venv /opt/venv
COPY docker/services/mlflow_server.py /opt/mlflow_server.py
LABEL org.opencontainers.image.title="polytask-mlflow" \
      org.opencontainers.image.description="MLflow 3.17.2 over PostgreSQL and S3, behind passwords" \
      org.opencontainers.image.version="3.17.2"
USER 10001:0
WORKDIR /tmp
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["python", "/opt/mlflow_server.py"]
